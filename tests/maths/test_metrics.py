"""Scores against scikit-learn and SciPy, against hand values, and on what they must refuse."""

import numpy as np
import pytest

from labkit.maths import metrics


def random_case(seed, ties=False):
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 300))
    y = random.integers(0, 2, n)
    y[:2] = 0, 1  # both classes
    scores = random.normal(size=n) + y * random.uniform(-1, 3)
    return y, (np.round(scores) if ties else scores)


@pytest.mark.parametrize("seed", range(8))
def test_the_scores_of_answers_equal_scikit_learns(seed):
    theirs = pytest.importorskip("sklearn.metrics")
    y, scores = random_case(seed)
    answers = (scores > 0.5).astype(int)
    ours = metrics.balanced_accuracy(y, answers)
    assert ours == pytest.approx(theirs.balanced_accuracy_score(y, answers), abs=1e-12)
    expected = theirs.confusion_matrix(y, answers)
    np.testing.assert_array_equal(metrics.confusion_matrix(y, answers), expected)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ties", [False, True])
def test_the_curves_equal_scikit_learns(seed, ties):
    theirs = pytest.importorskip("sklearn.metrics")
    y, scores = random_case(seed, ties)
    pairs = zip(
        metrics.roc_curve(y, scores),
        theirs.roc_curve(y, scores, drop_intermediate=False),
        strict=True,
    )
    for ours, expected in pairs:
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    pairs = zip(
        metrics.precision_recall_curve(y, scores),
        theirs.precision_recall_curve(y, scores),
        strict=True,
    )
    for ours, expected in pairs:
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert metrics.roc_auc(y, scores) == pytest.approx(theirs.roc_auc_score(y, scores), abs=1e-12)
    ours = metrics.average_precision(y, scores)
    assert ours == pytest.approx(theirs.average_precision_score(y, scores), abs=1e-12)


def test_a_confusion_matrix_of_many_classes_equals_scikit_learns():
    theirs = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    y, answers = random.integers(0, 5, (2, 200))
    np.testing.assert_array_equal(
        metrics.confusion_matrix(y, answers), theirs.confusion_matrix(y, answers)
    )
    ours = metrics.balanced_accuracy(y, answers)
    assert ours == pytest.approx(theirs.balanced_accuracy_score(y, answers), abs=1e-12)


def test_rows_are_the_truth_and_columns_the_answers():
    assert metrics.confusion_matrix(["a", "a", "b"], ["b", "b", "b"]).tolist() == [[0, 2], [0, 1]]
    assert metrics.confusion_matrix([1], [1], classes=[0, 1]).tolist() == [[0, 0], [0, 1]]
    with pytest.raises(ValueError, match="missing"):
        metrics.confusion_matrix([0, 2], [0, 0], classes=[0, 1])


def test_the_auc_is_the_chance_that_a_positive_scores_higher():
    y, scores = random_case(3, ties=True)
    positive, negative = scores[y == 1][:, None], scores[y == 0][None, :]
    chance = np.mean(positive > negative) + np.mean(positive == negative) / 2
    assert metrics.roc_auc(y, scores) == pytest.approx(chance, abs=1e-12)


def test_the_auc_does_not_depend_on_how_rare_the_positives_are():
    y, scores = random_case(4)
    rare = np.concatenate([np.flatnonzero(y == 1), np.tile(np.flatnonzero(y == 0), 9)])
    before, after = metrics.roc_auc(y, scores), metrics.roc_auc(y[rare], scores[rare])
    assert after == pytest.approx(before, abs=1e-12)
    assert metrics.average_precision(y[rare], scores[rare]) < metrics.average_precision(y, scores)


def test_extreme_scores_give_the_same_curve_as_their_ranks():
    y = np.array([0, 1, 0, 1, 1])
    scores = np.array([-1e300, 1e300, 0.0, 1e-300, -1000.0])
    ranks = np.argsort(np.argsort(scores))
    assert metrics.roc_auc(y, scores) == metrics.roc_auc(y, ranks)


@pytest.mark.parametrize(
    "score",
    [
        metrics.balanced_accuracy,
        metrics.confusion_matrix,
        metrics.roc_curve,
        metrics.roc_auc,
        metrics.average_precision,
        lambda y, p: metrics.bootstrap_interval(metrics.balanced_accuracy, y, p),
    ],
)
def test_a_column_against_a_row_is_an_error_not_a_broadcast(score):
    y = np.array([0, 1, 1])
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        score(y, y[:, None])
    with pytest.raises(ValueError, match="shape"):
        score(y[:, None], y[:, None])
    with pytest.raises(ValueError, match="shape"):
        score(y, y[:2])
    with pytest.raises(ValueError, match="shape"):
        score(y[:0], y[:0])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ties", [False, True])
def test_the_best_within_a_limit_is_that_of_the_thresholds_tried_one_by_one(seed, ties):
    y, scores = random_case(seed, ties)
    alarms = [scores >= limit for limit in [*np.unique(scores), np.inf]]
    found = [alarm[y == 1].mean() for alarm in alarms]
    false = [alarm[y == 0].mean() for alarm in alarms]
    for limit in (0, 0.05, 0.3, 1):
        wanted = max(hit for hit, miss in zip(found, false, strict=True) if miss <= limit)
        assert metrics.recall_at(y, scores, limit) == pytest.approx(wanted)
    true = [y[alarm].mean() for alarm in alarms[:-1]]
    for limit in (0.01, 0.5, 1):
        wanted = max(t for t, hit in zip(true, found, strict=False) if hit >= limit)
        assert metrics.precision_at(y, scores, limit) == pytest.approx(wanted)


def test_labels_of_minus_one_are_refused():
    with pytest.raises(ValueError, match="-1"):
        metrics.roc_auc([-1, 1], [0, 1])


def test_a_curve_needs_both_classes_and_finite_scores():
    with pytest.raises(ValueError, match="one class"):
        metrics.roc_curve([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="finite"):
        metrics.roc_auc([0, 1], [0.1, np.nan])


def test_area_refuses_x_that_turns_back():
    assert metrics.area([1, 0], [1, 1]) == 1
    with pytest.raises(ValueError, match="rise or only fall"):
        metrics.area([0, 1, 0.5], [0, 1, 1])
    with pytest.raises(ValueError, match="rise or only fall"):
        metrics.area([0], [1])


def test_the_baseline_learns_its_class_from_training():
    assert metrics.majority_baseline([1, 1, 0], [0, 0, 0, 1]) == 0.25
    with pytest.raises(ValueError, match="labels"):
        metrics.majority_baseline([], [1])


def test_no_table_has_accuracy_80_recall_70_and_f1_75():
    """An independent count, with whole numbers: 60 positives and 40 negatives."""
    found = [
        (tp, fp)
        for tp in range(61)
        for fp in range(41)
        if round(tp / 60, 2) == 0.70
        and round((tp + 40 - fp) / 100, 2) == 0.80
        and round(2 * tp / (tp + fp + 60), 2) == 0.75
    ]
    assert not found
