"""All-reduce by ring, star and tree: sums, bytes and seconds against independent truths."""

import itertools

import numpy as np
import pytest

from labkit.datacenter.distributed import (
    ALL_REDUCE,
    bytes_sent,
    crossover,
    fit,
    measure,
    reduce_scatter,
    ring,
    ring_step,
    seconds,
    simulate_ring,
)
from labkit.datacenter.links import Link
from labkit.datacenter.workers import WorkerError, Workers

LENGTHS = (0, 1, 3, 7, 8, 1001)
SLOW = Link(bandwidth=20e6, latency=0.01)


def vectors(size, length, dtype):
    return np.random.default_rng(length).normal(size=(size, length)).astype(dtype)


@pytest.fixture(scope="module")
def pool():
    with Workers(8) as workers:
        data = {
            f"{dtype} {length}": vectors(8, length, dtype)
            for dtype in ("f4", "f8")
            for length in LENGTHS
        }
        workers.put(**data)
        yield workers


def sums(worker, method):
    """Job: sum every vector that was given, and count the bytes that each took."""
    found = {}
    for name, rows in worker.data.items():
        vector, before = rows[worker.rank].copy(), worker.sent
        back = ALL_REDUCE[method](worker, vector)
        found[name] = (back, back is vector, worker.sent - before)
    return found


@pytest.mark.parametrize(("method", "size"), [*itertools.product(ALL_REDUCE, (1, 2, 3, 4, 5))])
def test_every_worker_ends_with_the_same_sum_in_place_and_sends_the_bytes_told(pool, method, size):
    found = pool.run(sums, method, size=size)
    for dtype, length in itertools.product(("f4", "f8"), LENGTHS):
        name, rows = f"{dtype} {length}", vectors(8, length, dtype)[:size]
        first = found[0][name][0]
        exact = rows.astype("f8").sum(axis=0)
        np.testing.assert_allclose(first, exact, atol=1e-5 if dtype == "f4" else 1e-14)
        assert all(np.array_equal(each[name][0], first) for each in found)
        assert all(each[name][1] for each in found)
        told = bytes_sent(method, size, length, rows.itemsize)
        assert [each[name][2] for each in found] == told


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
def test_the_ring_sends_twice_all_but_one_part_and_no_worker_is_the_bottleneck(size):
    told, share = bytes_sent("ring", size, 1001, 8), 2 * (size - 1) / size
    assert sum(told) == 2 * (size - 1) * 1001 * 8
    assert max(abs(sent - share * 1001 * 8) for sent in told) <= 2 * 8
    assert sum(bytes_sent("star", size, 1001, 8)) == sum(bytes_sent("tree", size, 1001, 8))
    if size > 2:
        assert max(told) < max(bytes_sent("tree", size, 1001, 8))


def test_each_worker_has_one_whole_chunk_after_the_reduce_scatter(pool):
    def job(worker):
        vector = np.arange(10.0) * (worker.rank + 1)
        reduce_scatter(worker, vector)
        return np.array_split(vector, worker.size)[(worker.rank + 1) % worker.size]

    found = pool.run(job, size=3)
    chunks = np.array_split(np.arange(10.0) * 6, 3)
    for chunk, wanted in zip(found, chunks[1:] + chunks[:1], strict=True):
        np.testing.assert_array_equal(chunk, wanted)


def earlier(rank, step, size):
    """Another right way around: each worker begins with the chunk before."""
    return (rank - step - 1) % size, (rank - step - 2) % size


def mirrored(rank, step, size):
    """Right too: chunk numbers in another order."""
    return tuple(size - 1 - chunk for chunk in ring_step(rank, step, size))


@pytest.mark.parametrize("step", [ring_step, earlier, mirrored])
def test_any_right_step_function_gives_the_sum(step):
    rows = vectors(8, 7, "f8")[:4]
    simulated = simulate_ring(rows, step)
    assert simulated.problem == ""
    assert (simulated.held[-1] == 1).all()
    for each in simulated.vectors:
        np.testing.assert_allclose(each, rows.sum(axis=0), atol=1e-14)


def test_the_simulated_ring_is_the_ring_of_processes(pool):
    rows = vectors(8, 7, "f8")[:4]
    found = pool.run(lambda worker: ring(worker, rows[worker.rank].copy()), size=4)
    for one, other in zip(found, simulate_ring(rows).vectors, strict=True):
        np.testing.assert_array_equal(one, other)


WRONG = {
    "is missing": lambda rank, step, size: (step, step),
    "worker 2 counts 3 times": lambda rank, step, size: (0, 0),
    "its right neighbor": lambda rank, step, size: ((rank + step) % size, (rank - step - 1) % size),
    "have the numbers": lambda rank, step, size: (rank - step, rank - step - 1),
    "two whole numbers": lambda rank, step, size: rank - step,
}


@pytest.mark.parametrize("told", WRONG)
def test_a_wrong_step_function_is_told_and_never_hangs(told):
    rows = vectors(4, 10, "f8")
    simulated = simulate_ring(rows, WRONG[told])
    assert told in simulated.problem
    assert np.abs(simulated.vectors[0] - rows.sum(axis=0)).max() > 1e-3


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_simulated_ring_is_the_sum_even_for_short_vectors(size):
    for length in (0, 1, size, 11):
        rows = vectors(size, length, "f8")
        simulated = simulate_ring(rows)
        assert simulated.problem == ""
        assert len(simulated.held) == 2 * size - 1
        for each in simulated.vectors:
            np.testing.assert_allclose(each, rows.sum(axis=0), atol=1e-14)


def test_a_matrix_is_refused_by_name(pool):
    with pytest.raises(WorkerError, match=r"flat, contiguous array.*\(2, 2\)"):
        pool.run(lambda worker: ring(worker, np.ones((2, 2))), size=2)


# --- seconds ------------------------------------------------------------------------------------


@pytest.mark.slow  # importing that library takes seconds
@pytest.mark.parametrize("size", range(1, 18))
def test_modeled_seconds_are_those_of_a_published_library(size):
    physics = pytest.importorskip("mlsysim.physics")
    from mlsysim import ureg

    units = (ureg.byte / ureg.second, ureg.second)
    line = (SLOW.bandwidth * units[0], SLOW.latency * units[1])
    for length in (4, 65536, 2**20):
        # Its tree has ceil(log2 N) rounds each way, as ours; both leave out that for other N than
        # powers of 2 the latency of one round may overlap another's.
        for method, theirs in (
            ("ring", physics.calc_ring_allreduce_time),
            ("tree", physics.calc_tree_allreduce_time),
        ):
            told = theirs(length * ureg.byte, size, *line).m_as("second")
            assert seconds(method, size, length, SLOW) == pytest.approx(told, rel=1e-12)


def test_small_messages_favor_the_tree_and_large_ones_the_ring():
    size_in_bytes = crossover("ring", "tree", 8, SLOW)
    for factor, first in ((0.9, "tree"), (1.1, "ring")):
        taken = {m: seconds(m, 8, factor * size_in_bytes, SLOW) for m in ("ring", "tree")}
        assert min(taken, key=taken.get) == first
    assert crossover("tree", "ring", 8, SLOW) == size_in_bytes
    assert crossover("ring", "star", 2, SLOW) is None  # for two workers they are the same
    assert crossover("ring", "tree", 8, Link(latency=0.01)) is None


def test_a_fit_finds_latency_and_bandwidth_again_in_noisy_times():
    rng = np.random.default_rng(0)
    rows = [
        {"method": m, "size": n, "size_in_bytes": b}
        for m, n, b in itertools.product(ALL_REDUCE, (2, 4, 8), (2**16, 2**20))
    ]
    for row in rows:
        row["seconds"] = seconds(**row, link=SLOW) * rng.uniform(0.95, 1.05)
    found = fit(rows)
    assert found.latency == pytest.approx(SLOW.latency, rel=0.05)
    assert found.bandwidth == pytest.approx(SLOW.bandwidth, rel=0.05)
    with pytest.raises(ValueError, match="two different measurements"):
        fit(rows[:1] * 3)


def test_unknown_methods_and_sizes_are_named():
    with pytest.raises(ValueError, match=r"ring, star, tree.*'bus'"):
        seconds("bus", 4, 1.0, SLOW)
    with pytest.raises(ValueError, match=r"1 or more workers.*0"):
        bytes_sent("ring", 0, 8, 4)


@pytest.mark.alone
@pytest.mark.slow
def test_on_a_slow_line_measured_times_follow_the_model_in_order_and_growth(pool):
    rows = measure(pool, SLOW, sizes=(2, 8), repeats=3)
    taken = {(row["method"], row["size"]): row["least"] for row in rows}
    assert taken["ring", 8] < taken["tree", 8] < taken["star", 8]
    for method in ALL_REDUCE:
        for size in (2, 8):  # never faster than the model; what else runs here makes it slower
            ratio = taken[method, size] / seconds(method, size, 2**20, SLOW)
            assert 0.85 < ratio < 3, (method, size, ratio)
    growth = {m: taken[m, 8] / taken[m, 2] for m in ALL_REDUCE}
    assert 1.5 < growth["ring"] < 6
    assert 1.5 < growth["tree"] < 6
    assert max(3.5, 1.3 * growth["ring"]) < growth["star"] < 12
    small = measure(pool, SLOW, sizes=(8,), bytes_each=(2**14,), methods=("ring", "tree"))
    assert small[1]["least"] < small[0]["least"]
    found = fit([row | {"seconds": row["least"]} for row in rows + small])
    assert 0.5 < found.latency / SLOW.latency < 2
    assert 0.4 < found.bandwidth / SLOW.bandwidth < 1.5
