"""The threshold explorer, without a browser."""

import re
import time

import numpy as np
import pytest

from labkit.explore import metrics as explore
from labkit.explore.metrics import ThresholdExplorer

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def threshold():
    return ThresholdExplorer()


@pytest.fixture
def explorer(threshold):
    start = threshold.params
    yield threshold
    for name, value in start.items():
        threshold.controls[name].value = value


def test_the_counts_are_those_of_the_tumors():
    """At the share of the data themselves, 569 patients are counted, scaled to 1,000."""
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    for feature in explore.FEATURES:
        scores, labels = explore.tumors(feature)
        assert scores.shape == labels.shape == (569,)
        assert labels.sum() == 212  # malignant
        result = ThresholdExplorer.compute(feature, 0.3, float(labels.mean()))
        answers = (scores >= 0.3).astype(int)
        tn, fp, fn, tp = sklearn_metrics.confusion_matrix(labels, answers).ravel()
        np.testing.assert_allclose(result["counts"], np.array([tp, fp, fn, tn]) / 0.569)
        assert result["accuracy"] == pytest.approx(np.mean(labels == answers))
        assert result["f1"] == pytest.approx(sklearn_metrics.f1_score(labels, answers))
        assert result["precision"] == pytest.approx(
            sklearn_metrics.precision_score(labels, answers)
        )
        assert result["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores))


def test_the_point_lies_on_both_curves():
    for share in (0.01, 0.37, 0.9):
        result = ThresholdExplorer.compute("mean texture", 0.5, share)
        fpr, tpr = result["roc"]
        assert np.min(np.hypot(fpr - result["fpr"], tpr - result["tpr"])) < 1e-12
        recalls, precisions = result["pr"]
        distance = np.hypot(recalls - result["tpr"], precisions - result["precision"])
        assert distance.min() < 1e-12


def test_a_rare_illness_moves_precision_but_not_the_roc_curve():
    common = ThresholdExplorer.compute("mean radius", 0.0, 0.37)
    rare = ThresholdExplorer.compute("mean radius", 0.0, 0.01)
    np.testing.assert_array_equal(common["roc"], rare["roc"])
    assert rare["tpr"] == common["tpr"]
    assert rare["precision"] < 0.1 < 0.7 < common["precision"]


def test_the_presets_show_what_they_say(explorer):
    explorer._jump(explorer.presets["alarm for everybody"])
    assert explorer.result["tpr"] == explorer.result["fpr"] == 1
    explorer._jump(explorer.presets["alarm for nobody"])
    assert explorer.result["precision"] is None
    assert "no precision" in explorer.text
    assert "not above" in explorer.text
    explorer._jump(explorer.presets["screening"])
    assert explorer.params["positive_share"] == 0.01
    assert "10 are ill" in explorer.text


@pytest.mark.parametrize("feature", explore.FEATURES)
def test_an_alarm_for_everybody_misses_nobody(feature):
    everybody = ThresholdExplorer(
        feature=feature, **ThresholdExplorer.presets["alarm for everybody"]
    )
    assert everybody.result["tpr"] == everybody.result["fpr"] == 1
    assert "1,000 alarms: 370 right, 630 false; 0 ill patients are missed" in everybody.text


def test_the_words_add_up(threshold):
    """Rounded numbers still make their sums, at every setting of the walk."""
    for feature in explore.FEATURES:
        for limit in np.arange(-3.5, 5.01, 0.25):
            for share in (0.01, 0.13, 0.37, 0.99):
                result = ThresholdExplorer.compute(feature, limit, share)
                text = threshold.caption(result, {"threshold": limit, "positive_share": share})
                ill = int(re.search(r"patients (\d+) (?:is|are) ill", text)[1])
                missed = int(re.search(r"(\d+) ill patients? (?:is|are) missed", text)[1])
                alarms = re.search(r"raises ([\d,]+) alarms?: (\d+) right, (\d+) false", text)
                right = 0
                if alarms:
                    total, right, false = (int(a.replace(",", "")) for a in alarms.groups())
                    assert total == right + false > 0
                assert right + missed == ill == round(1000 * share)
                assert ("less than one alarm" in text) == (not alarms and any(result["counts"][:2]))
                said = re.search(r"Accuracy ([\d.]+), (?:not )?above the ([\d.]+)", text)
                assert " not above" in text or float(said[1]) > float(said[2])


def test_turning_changes_the_picture_and_the_words(explorer):
    picture, words = explorer.png, explorer.text
    explorer.controls["threshold"].value = 1.0
    assert explorer.png != picture
    assert explorer.text != words


def test_settings_come_back_as_the_lesson_understands_them(explorer):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["05"])
    parameters.validate(schema, explorer.params)
    explorer.controls["feature"].value = "mean texture"
    assert "-p 'feature=mean texture'" in explorer.texts()["Copy as command"]


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="threshold"):
        ThresholdExplorer(threshold=9.0)
    with pytest.raises(ValueError, match="feature"):
        ThresholdExplorer(feature="mean weight")


def test_the_whole_range_works(threshold):
    assert threshold.walk() > 40


def test_it_computes_fast_enough_to_be_dragged(explorer):
    times = []
    for _ in range(5):
        started = time.perf_counter()
        explorer.compute(**explorer.params)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.1
