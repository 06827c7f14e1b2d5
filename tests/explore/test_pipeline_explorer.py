"""The schedule chart: its blocks against the schedule, its words against the formulas."""

import time

import numpy as np
import pytest

from labkit.datacenter import pipeline
from labkit.datacenter.pipeline import Operation, Step
from labkit.explore.pipeline import (
    MOST_MICRO_BATCHES,
    MOST_STAGES,
    NOT_MEASURED,
    PipelineExplorer,
)


def made_up_step(kind="1f1b", stages=3, micro_batches=4, late=0.01):
    """A step as `measure` returns it, in which every pass but the first begins a little late."""
    ideal = pipeline.ideal_trace(kind, stages, micro_batches, 0.06, 0.12)

    def passed(each):
        begin = each.begin * (1 + late) + (0.01 if each.begin else 0)  # shorter: idle for longer
        return Operation(*each[:2], begin, each.end * (1 + late))

    traces = [[passed(each) for each in trace] for trace in ideal]
    live = [pipeline.live_activations(kind, stages, rank, micro_batches) for rank in range(stages)]
    return Step(kind, micro_batches, 0.06, 0.12, 1.0, [], live, [0] * stages, traces)


def artists(explorer):
    return explorer._picture(explorer.params).moving


def blocks(explorer, chart, name):
    """Return begin and end (% of the step) and the row of each block, array (blocks, 3)."""
    corners = [path.vertices for path in artists(explorer)[f"{chart} {name}"].get_paths()]
    return np.array([[c[:, 0].min(), c[:, 0].max(), c[:, 1].mean()] for c in corners])


@pytest.mark.parametrize("kind", pipeline.KINDS)
def test_compute_agrees_with_theory_over_its_whole_range_and_is_fast(kind):
    explorer, begun = PipelineExplorer(), time.thread_time()
    for stages in range(1, MOST_STAGES + 1):
        for micro_batches in range(1, MOST_MICRO_BATCHES + 1):
            found = explorer.compute(kind, stages, micro_batches)
            ranks = range(stages)
            theory = [pipeline.live_activations(kind, stages, r, micro_batches) for r in ranks]
            assert found["held"] == theory
            assert found["bubble"] == pytest.approx(pipeline.idle_share(found["traces"]))
    assert (time.thread_time() - begun) / (MOST_STAGES * MOST_MICRO_BATCHES) < 0.1


def test_every_pass_is_one_block_with_its_number_and_the_blocks_of_a_stage_do_not_overlap():
    explorer = PipelineExplorer(kind="1f1b", stages=4, micro_batches=5)
    both = [blocks(explorer, "ideal", name) for name in "FB"]
    assert [len(each) for each in both] == [20, 20]
    for row in np.unique(np.round(both[0][:, 2], 6)):
        mine = np.concatenate([each[np.isclose(each[:, 2], row)] for each in both])
        begin, end = mine[np.argsort(mine[:, 0])][:, :2].T
        assert (begin[1:] >= end[:-1] - 1e-9).all()
    words = [text.get_text() for text in artists(explorer)["ideal numbers"]]
    assert sorted(word for word in words if word) == sorted(8 * [str(i) for i in range(5)])


def test_the_white_of_the_chart_is_the_bubble():
    explorer = PipelineExplorer(kind="gpipe", stages=4, micro_batches=8)
    both = np.concatenate([blocks(explorer, "ideal", name) for name in "FB"])
    filled = (both[:, 1] - both[:, 0]).sum() / (4 * 100)
    assert 1 - filled == pytest.approx(3 / 11, abs=1e-6)
    assert "27 % of the step" in explorer.text
    assert "3/11 (modeled)" in explorer.text


def test_a_measured_step_stands_beneath_the_ideal_one_on_the_same_clock():
    step = made_up_step()
    explorer = PipelineExplorer([step], kind="1f1b", stages=3, micro_batches=4)
    ideal, real = (blocks(explorer, chart, "B")[:, 1].max() for chart in ("ideal", "real"))
    assert real == pytest.approx(100)
    assert ideal == pytest.approx(100 / 1.01)
    assert "lengthened to 60 and 120 ms" in explorer.text
    assert f"{100 * step.idle:.0f} % of it (measured)" in explorer.text
    assert "at most 3 micro-batches at once, the last stage 1 (counted)" in explorer.text
    explorer._jump({"micro_batches": 5})
    assert len(blocks(explorer, "real", "F")) == 0
    assert artists(explorer)["real title"].get_text() == NOT_MEASURED
    assert "measured" not in explorer.text


def test_the_start_state_shows_no_difference_between_the_schedules():
    """The learner predicts it: GPipe and 1F1B hold as much and take as long with two and two."""
    start = PipelineExplorer()
    assert start.params == {"kind": "gpipe", "stages": 2, "micro_batches": 2}
    assert start.result["held"][0] == start.compute("1f1b", 2, 2)["held"][0]


def test_one_stage_is_never_idle_and_one_micro_batch_is_no_plural():
    text = PipelineExplorer(stages=1, micro_batches=1).text
    assert "1 stage, 1 micro-batch: each stage is idle for 0 %" in text
    assert "at most 1 micro-batch at once (modeled)" in text


def test_a_step_that_was_not_lengthened_is_refused():
    with pytest.raises(ValueError, match="above 0 s"):
        PipelineExplorer([made_up_step()._replace(forward=0.0)])


def test_it_walks():
    steps = [made_up_step(kind) for kind in pipeline.KINDS]
    assert PipelineExplorer(steps).walk(samples=4) >= 20
