"""The exercises of lesson 05: letters are judged one by one, and the likely slips are named."""

import itertools

import numpy as np
import pytest

from labkit.exercises import metrics as exercise

RIGHT = ["recall", "precision", "accuracy", "auc", "f1"]


@pytest.mark.parametrize(
    "answer",
    [
        ("recall", "precision", "accuracy", "auc", "f1"),
        ["Recall", "Precision", "Accuracy", "AUC", "F1"],
        ["recall ", " precision", "accuracy", "auc", "f1"],
        np.array(RIGHT),
    ],
)
def test_the_five_words_count_in_any_clothes(answer):
    assert exercise.which_metric.check(answer).ok


@pytest.mark.parametrize("places", list(itertools.combinations(range(5), 2)))
def test_a_swap_is_answered_letter_by_letter(places):
    answer = RIGHT.copy()
    i, j = places
    answer[i], answer[j] = answer[j], answer[i]
    feedback = exercise.which_metric.check(answer)
    if feedback.kind == "precision and recall swapped":
        return
    fine = ", ".join("ABCDE"[place] for place in range(5) if place not in places)
    assert feedback.message.startswith(f"Right: {fine}. {'ABCDE'[i]}: ")
    assert f" {'ABCDE'[j]}: " in feedback.message
    assert "it is not" not in feedback.message  # each wrong word has its own sentence


def test_every_wrong_word_at_every_letter_is_named():
    for place, word in itertools.product(range(5), RIGHT):
        answer = [*RIGHT[:place], word, *RIGHT[place + 1 :]]
        feedback = exercise.which_metric.check(answer)
        assert feedback.ok or feedback.kind == f"{'ABCDE'[place]}: {word}"


def filled(rows, test_count, fill, **how):
    train = rows[:-test_count]
    return np.where(np.isnan(rows), fill(train, **how), rows)


def pandas_deviation(rows, test_count):
    import pandas as pd

    table = pd.DataFrame(rows)
    table = table.fillna(table[:-test_count].median())
    train = table[:-test_count]
    return ((table - train.mean()) / train.std()).to_numpy()


def without_axis(rows, test_count):
    rows = filled(rows, test_count, np.nanmedian)
    return (rows - rows[:-test_count].mean()) / rows[:-test_count].std()


def unfilled_scale(rows, test_count):
    train = rows[:-test_count]
    rows = filled(rows, test_count, np.nanmedian, axis=0)
    return (rows - np.nanmean(train, axis=0)) / np.nanstd(train, axis=0)


def mean_filled(rows, test_count):
    rows = filled(rows, test_count, np.nanmean, axis=0)
    train = rows[:-test_count]
    return (rows - train.mean(axis=0)) / train.std(axis=0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (pandas_deviation, "another deviation"),
        (without_axis, "nothing by column"),
        (unfilled_scale, "scale of the rows with gaps"),
        (mean_filled, "mean in place of the median"),
    ],
)
def test_the_likely_slips_of_the_pipeline_are_named(answer, kind):
    assert exercise.pipeline.check(answer).kind == kind
