"""A bad version is caught by its canary, a good one is promoted, and every request is counted."""

import numpy as np
import pytest

from labkit.datacenter.lifecycle import fields, rollout, stages
from labkit.datacenter.serving import models, served


@pytest.fixture(scope="module")
def speech():
    archive, live = fields.collect("speech")
    scale = stages.features(archive.x)
    return live, scale, stages.train(archive, scale), stages.train(archive, scale, seed=1)


def many(live, count=2000):
    return live.rows(np.random.default_rng(0).integers(len(live.y), size=count))


@pytest.mark.parametrize("fault", rollout.FAULTS)
def test_a_faulty_version_is_rolled_back_and_gets_no_request_after(speech, fault, tmp_path):
    live, scale, old, _ = speech
    bad = rollout.FAULTS[fault](old, scale)
    with rollout.versions(old, bad, tmp_path, over_http=False) as (ask_old, ask_new):
        assert not [*tmp_path.iterdir()]  # who is killed now leaves no file behind
        run = rollout.canary(ask_old, ask_new, many(live), rollout.by_difference)
    assert run.decision == "rolled back"
    assert not run.new[run.at :].any()
    assert len(run.new) == len(run.wrong) == run.at + rollout.AFTER
    assert run.canaries < 60
    assert run.new[: run.at].mean() == pytest.approx(rollout.SHARE, abs=0.15)


def test_an_equally_good_version_is_promoted_after_its_requests(speech, tmp_path):
    live, _, old, other = speech
    with rollout.versions(old, other, tmp_path, over_http=False) as (ask_old, ask_new):
        run = rollout.canary(ask_old, ask_new, many(live), rollout.by_difference)
    assert run.decision == "promoted"
    assert run.canaries == rollout.ENOUGH
    assert run.new[run.at :].all()


def test_the_forgotten_scale_is_the_network_on_scaled_rows(speech):
    live, (mean, spread), old, _ = speech
    bare = rollout.forgotten_scale(old, (mean, spread))
    scaled = ((live.x - mean) / spread).astype(np.float32)
    assert np.allclose(models.load(bare).run(scaled), models.load(old).run(live.x), atol=1e-4)


def test_a_version_that_does_not_answer_counts_as_wrong(speech):
    live, _, old, _ = speech

    def gone(rows):
        raise served.ServerError("gone")

    run = rollout.canary(models.load(old).run, gone, many(live), rollout.by_difference)
    assert run.decision == "rolled back"
    assert run.wrong[run.new].all()


def test_looking_often_multiplies_false_alarms():
    once = rollout.judge(lambda e, n, f, m: m == 200 and rollout.by_difference(e, n, f, m, 1.645))
    often = rollout.judge(lambda e, n, f, m: rollout.by_difference(e, n, f, m, 1.645))
    careful = rollout.judge(rollout.by_difference)
    assert once.false_alarms < 0.12
    assert often.false_alarms > 0.2
    assert careful.false_alarms < 0.06
    assert careful.caught > 0.97


def test_the_rule_is_the_two_proportion_z_test():
    from scipy.stats import chi2_contingency

    for errors, requests, errors_new, requests_new in [(20, 200, 9, 40), (5, 90, 12, 50)]:
        table = [[errors, requests - errors], [errors_new, requests_new - errors_new]]
        z = np.sqrt(chi2_contingency(table, correction=False).statistic)
        told = [
            rollout.by_difference(errors, requests, errors_new, requests_new, limit)
            for limit in (z - 1e-6, z + 1e-6)
        ]
        assert told == [True, False]


@pytest.mark.slow
@pytest.mark.skipif(bool(served.missing()), reason="the extra serve is not installed")
def test_a_canary_on_real_servers_counts_as_the_one_in_process(speech, tmp_path):
    live, scale, old, _ = speech
    bad, requests = rollout.forgotten_scale(old, scale), many(live, 400)
    runs = []
    for over_http in (True, False):
        with rollout.versions(old, bad, tmp_path, over_http) as asks:
            runs.append(rollout.canary(*asks, requests, rollout.by_difference))
    assert runs[0].decision == runs[1].decision == "rolled back"
    assert runs[0].at == runs[1].at
    assert np.array_equal(runs[0].wrong, runs[1].wrong)
