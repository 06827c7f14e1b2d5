"""What is ignored is promised and not kept; what is heeded is kept."""

import numpy as np
import pytest

from labkit.datacenter.lifecycle import fields, stages
from labkit.datacenter.network import Network
from labkit.datacenter.serving import models


@pytest.mark.parametrize("field", ["speech", "medicine", "recommendation"])
def test_a_trap_that_is_ignored_is_caught_live_and_one_that_is_heeded_does_no_harm(field):
    ignored = stages.run(field, "own", heed=False)
    assert ignored.alarm
    assert ignored.version == "the most common class"
    heeded = stages.run(field, "own")
    assert not heeded.alarm
    assert heeded.version == "the model"
    assert list(heeded.told) == list(stages.STAGES)


def test_the_exported_file_answers_as_the_network_on_scaled_rows(tmp_path):
    archive, _ = fields.collect("speech")
    scale = stages.features(archive.x)
    weights = stages.train(archive, scale)
    served = models.load(stages.export(weights, tmp_path / "model.npz")).run(archive.x)
    network = Network((archive.x.shape[1], stages.UNITS, len(archive.classes)))
    flat = np.concatenate([weights[0].ravel(), weights[1], weights[2].ravel(), weights[3]])
    assert np.array_equal(served.argmax(1), network.scores(flat, archive.x).argmax(1))
    folded = archive.x @ weights[0] + weights[1]
    unfolded = (archive.x - scale[0]) / scale[1] @ (weights[0] * scale[1][:, None])
    bias = weights[1] + (scale[0] / scale[1]) @ (weights[0] * scale[1][:, None])
    assert np.allclose(folded, unfolded + bias, atol=1e-3)


def test_the_grouped_interval_of_single_rows_is_about_wilsons():
    right = (np.random.default_rng(0).random(400) < 0.8).astype(float)
    found = stages.grouped_interval(right, np.arange(400))
    assert found == pytest.approx(stages.wilson_interval(right.mean(), 400), abs=0.01)


def test_the_grouped_interval_is_wider_by_the_root_of_the_group_size():
    group = np.repeat(np.arange(100), 9)
    right = np.repeat((np.random.default_rng(0).random(100) < 0.7).astype(float), 9)
    alone, together = (np.diff(stages.grouped_interval(right, g)) for g in (np.arange(900), group))
    assert together / alone == pytest.approx(3, rel=0.15)


def test_thinned_rows_have_the_shares_that_were_asked_for():
    archive, _ = fields.collect("vision")
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    shares = np.bincount(stages.thin(archive, labels).y, minlength=10)
    assert shares[0] / shares[1] == pytest.approx(2, rel=0.15)
    assert shares[3:].max() <= 2


def test_whole_groups_cover_the_truth_where_single_rows_do_not():
    random, held = np.random.default_rng(0), np.zeros(2)
    for seed in range(200):
        chance = random.beta(1.7, 0.3, 80)  # of each group, 85% in the mean
        right = (random.random((80, 3)) < chance[:, None]).astype(float).ravel()
        both = (
            stages.grouped_interval(right, np.repeat(np.arange(80), 3), seed),
            stages.wilson_interval(right.mean(), len(right)),
        )
        held += [low <= 0.85 <= high for low, high in both]
    assert held[0] / 200 > 0.88
    assert held[1] / 200 < held[0] / 200 - 0.03


def test_live_paragraphs_of_one_docstring_are_not_counted_as_alone():
    for trap in (None, "own"):
        _, live = fields.collect("language", trap)
        assert live.plan == "groups"
        assert len(np.unique(live.group)) < len(live.y)
