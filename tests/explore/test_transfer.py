"""The explorer of labels and frozen layers, without a browser."""

import time

import numpy as np
import pytest

from labkit.explore.transfer import TransferExplorer
from labkit.maths.intervals import compare

SIZES = [1, 20, 400]
SOURCES = ("digits 0 to 4", "shuffled pixels")


@pytest.fixture(scope="module")
def measured():
    """Invented results: the first source helps with few labels, the second harms."""
    random = np.random.default_rng(0)
    scratch = np.array([[50.0], [90], [97]]) + random.normal(0, 1, (3, 5))
    found = {"scratch": scratch}
    for k in range(4):
        noise = random.normal(0, 0.2, (2, 3, 5))
        found[SOURCES[0], k] = scratch + np.array([[8.0], [2], [0]]) - 5 * (k == 3) + noise[0]
        found[SOURCES[1], k] = scratch - 2 - k + noise[1]
    return found


@pytest.fixture(scope="module")
def explorer(measured):
    return TransferExplorer(SIZES, measured)


def test_the_caption_tells_the_gain_of_the_chosen_case(explorer, measured):
    explorer._jump({"source": SOURCES[0], "frozen_layers": 2, "labels": 1})
    gain = compare(measured[SOURCES[0], 2][0], measured["scratch"][0])
    assert f"Gain {gain.change:+.1f} ± {gain.margin:.1f}" in explorer.text
    assert "transfer helped" in explorer.text
    assert "1 label a class" in explorer.text


@pytest.mark.parametrize(("labels", "words"), [(1, "1 label a class"), (20, "20 labels a class")])
def test_one_label_is_no_plural(explorer, labels, words):
    explorer._jump({"labels": labels})
    heading = explorer._picture(explorer.params).moving["heading"].get_text()
    assert heading.startswith(words)
    assert f"{words}:" in explorer.text


def test_harm_and_doubt_are_told_in_words(explorer):
    explorer._jump({"source": SOURCES[1], "frozen_layers": 3, "labels": 400})
    assert "transfer harmed" in explorer.text
    explorer._jump({"source": SOURCES[0], "frozen_layers": 2, "labels": 400})
    assert "do not show whether it helped" in explorer.text


def test_turning_changes_the_picture(explorer):
    explorer._jump({"source": SOURCES[0], "frozen_layers": 0, "labels": 20})
    picture = explorer.png
    for change in ({"frozen_layers": 3}, {"labels": 1}, {"source": SOURCES[1]}):
        explorer._jump(change)
        assert explorer.png != picture
        picture = explorer.png


def test_the_whole_range_works_and_is_fast(explorer):
    assert explorer.walk() > 20
    started = time.perf_counter()
    explorer.compute(**explorer.params)
    assert time.perf_counter() - started < 0.1


def test_settings_are_parameters_of_the_lesson(explorer):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["15"])
    parameters.validate(schema, explorer.params)


def test_a_source_that_was_not_measured_is_refused(measured):
    with pytest.raises(ValueError, match="cats"):
        TransferExplorer(SIZES, measured, source="cats")


def test_results_need_a_row_for_each_size(measured):
    with pytest.raises(ValueError, match="a row for each of 2 sizes"):
        TransferExplorer(SIZES[:2], measured)
