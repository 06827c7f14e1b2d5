"""Pipelines: order against tables by hand, gradients against one process, time against theory."""

import numpy as np
import pytest

from labkit.datacenter import pipeline
from labkit.datacenter.network import Network
from labkit.datacenter.workers import Workers

# What each stage does with four micro-batches, written by hand from the figure in
# Narayanan et al. (2021): with two, three and four stages.
BY_HAND = {
    2: ["F0 F1 B0 F2 B1 F3 B2 B3", "F0 B0 F1 B1 F2 B2 F3 B3"],
    3: [
        "F0 F1 F2 B0 F3 B1 B2 B3",
        "F0 F1 B0 F2 B1 F3 B2 B3",
        "F0 B0 F1 B1 F2 B2 F3 B3",
    ],
    4: [
        "F0 F1 F2 F3 B0 B1 B2 B3",
        "F0 F1 F2 B0 F3 B1 B2 B3",
        "F0 F1 B0 F2 B1 F3 B2 B3",
        "F0 B0 F1 B1 F2 B2 F3 B3",
    ],
}
GRID = [(p, m) for p in (1, 2, 3, 4, 7) for m in (1, 2, 3, 5, 8, 13)]


def words(order):
    return " ".join(f"{name}{i}" for name, i in order)


NETWORK = Network((6, 12, 10, 9, 8, 4))


def task(net=NETWORK, rows=14, seed=0):
    """Weights, and a batch."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, net.widths[0])), rng.integers(0, net.widths[-1], rows)
    return rng.normal(0, 0.3, net.items), x, y


def cut(w, x, y, net=NETWORK):
    """The same as a pipeline takes it."""
    return net.layers(w), x, y


@pytest.fixture(scope="module")
def pool():
    with Workers(4) as workers:
        yield workers


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_the_order_is_the_one_of_the_table_by_hand(stages):
    ranks = range(stages)
    assert [words(pipeline.schedule("1f1b", stages, r, 4)) for r in ranks] == BY_HAND[stages]
    gpipe = {words(pipeline.schedule("gpipe", stages, r, 4)) for r in ranks}
    assert gpipe == {"F0 F1 F2 F3 B0 B1 B2 B3"}


def test_few_micro_batches_do_not_fill_a_long_pipeline():
    orders = [words(pipeline.schedule("1f1b", 4, rank, 2)) for rank in range(4)]
    assert orders == ["F0 F1 B0 B1", "F0 F1 B0 B1", "F0 F1 B0 B1", "F0 B0 F1 B1"]


@pytest.mark.parametrize("kind", pipeline.KINDS)
@pytest.mark.parametrize(("stages", "micro_batches"), GRID)
def test_a_simulated_step_has_the_bubble_and_the_memory_that_the_formulas_say(
    kind, stages, micro_batches
):
    traces = pipeline.ideal_trace(kind, stages, micro_batches, forward=1.0, backward=2.0)
    assert pipeline.step_seconds(traces) == (micro_batches + stages - 1) * (1 + 2)
    assert pipeline.idle_share(traces) == pytest.approx(pipeline.bubble(stages, micro_batches))
    most = [pipeline.live_curve(trace)[1].max() for trace in traces]
    assert most == [
        pipeline.live_activations(kind, stages, rank, micro_batches) for rank in range(stages)
    ]


@pytest.mark.slow
def test_the_bubble_is_that_of_mlsysim():
    physics = pytest.importorskip("mlsysim.physics")
    for stages, micro_batches in GRID:
        theirs = physics.calc_pipeline_bubble(stages, micro_batches)
        assert pipeline.bubble(stages, micro_batches) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("kind", pipeline.KINDS)
@pytest.mark.parametrize(("stages", "micro_batches"), [(1, 3), (2, 1), (3, 4), (4, 8), (4, 3)])
def test_real_processes_have_the_gradient_of_one_and_hold_what_theory_says(
    pool, kind, stages, micro_batches
):
    options = {"stages": stages, "forward": 0.0, "backward": 0.0}
    step = pipeline.measure(pool, *cut(*task()), kind, micro_batches, **options)
    assert step.loss == pytest.approx(NETWORK.loss(*task()), abs=1e-12)
    np.testing.assert_allclose(step.gradient, NETWORK.gradient(*task()), rtol=0, atol=1e-12)
    assert step.live == [
        pipeline.live_activations(kind, stages, rank, micro_batches) for rank in range(stages)
    ]
    done = [[(each.name, each.micro_batch) for each in trace] for trace in step.traces]
    assert done == [pipeline.schedule(kind, stages, rank, micro_batches) for rank in range(stages)]


@pytest.mark.parametrize(("weights", "batch"), [("f4", "f4"), ("f8", "f4"), ("f4", "f8")])
def test_messages_have_the_precision_of_the_arithmetic(pool, weights, batch):
    w, x, y = task()
    same = w.astype(weights), x.astype(batch), y
    step = pipeline.measure(pool, *cut(*same), "1f1b", 4, stages=3, forward=0, backward=0)
    np.testing.assert_allclose(step.gradient, NETWORK.gradient(*same), rtol=0, atol=1e-6)


def test_each_boundary_carries_its_activations_once_and_their_errors_once(pool):
    short = Network((6, 12, 10, 4))
    step = pipeline.measure(
        pool, *cut(*task(short), short), "1f1b", 4, stages=3, forward=0, backward=0
    )
    first, second = 14 * 12 * 8, 14 * 10 * 8  # rows, width, bytes of a float64
    assert step.sent == [first, first + second, second]


def test_no_operation_begins_before_what_it_needs_has_ended(pool):
    step = pipeline.measure(pool, *cut(*task()), "1f1b", 6, stages=3, forward=0.002, backward=0.004)
    ended = {
        (each.name, each.micro_batch, rank): each.end
        for rank, trace in enumerate(step.traces)
        for each in trace
    }
    for rank, trace in enumerate(step.traces):
        for each in trace:
            need = pipeline._needs(each[:2], rank, 3)
            assert need is None or ended[need] <= each.begin  # one clock for all processes


def test_an_order_that_could_never_end_is_refused_before_a_process_waits_for_it():
    def backward_first(kind, stages, rank, micro_batches):
        return [("B", 0), ("F", 0)] if rank == 0 else [("F", 0), ("B", 0)]

    def forgetful(kind, stages, rank, micro_batches):
        return pipeline.schedule(kind, stages, rank, micro_batches)[: -1 if rank else None]

    with pytest.raises(ValueError, match="stage 0 wants to do B0, and needs B0 of stage 1"):
        pipeline.ideal_trace("1f1b", 2, 1, order=backward_first)
    with Workers(2) as workers:
        with pytest.raises(ValueError, match="Stage 1 does B3 0 times"):
            pipeline.measure(workers, *cut(*task()), "1f1b", 4, order=forgetful)
        assert workers.pids == []


def test_bad_settings_are_refused_with_what_is_allowed():
    layers, x, y = cut(*task())
    with pytest.raises(ValueError, match="one of gpipe, 1f1b"):
        pipeline.schedule("pipedream", 2, 0, 4)
    with pytest.raises(ValueError, match="rank must lie in 0 to 1"):
        pipeline.schedule("gpipe", 2, 2, 4)
    with pytest.raises(ValueError, match="1 or more"):
        pipeline.bubble(0, 4)
    with Workers(8) as workers:  # no process starts
        with pytest.raises(ValueError, match="5 layers cannot be cut into 8 stages"):
            pipeline.measure(workers, layers, x, y, "gpipe", 4)
        with pytest.raises(ValueError, match="14 rows cannot be cut into 15"):
            pipeline.measure(workers, layers, x, y, "gpipe", 15, stages=2)
        assert workers.pids == []


@pytest.mark.alone
@pytest.mark.slow
def test_measured_steps_are_never_faster_than_the_ideal_and_equally_long_for_both_schedules(pool):
    found = pipeline.compare(
        pool, *cut(*task()), repeats=3, stages=3, micro_batches=4, forward=0.03, backward=0.06
    )
    ideal = (4 + 3 - 1) * (0.03 + 0.06)
    seconds = {kind: [step.seconds for step in steps] for kind, steps in found.items()}
    assert min(min(each) for each in seconds.values()) >= ideal
    assert 0.7 < np.median(seconds["1f1b"]) / np.median(seconds["gpipe"]) < 1.4
    assert all(
        step.idle >= 0.9 * pipeline.bubble(3, 4) for steps in found.values() for step in steps
    )
