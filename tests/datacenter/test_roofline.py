"""The roofline: formulas by hand and beside a book's, and this machine's own numbers."""

import contextlib
import itertools
import time

import numpy as np
import psutil
import pytest

from labkit import machine
from labkit.datacenter import roofline
from labkit.datacenter.roofline import LARGE, LAYERS, intensity, ridge, roof


@pytest.mark.parametrize(
    ("shape", "flop", "numbers"),
    [
        ((1, 784, 500), 784_000, 784 + 392_000 + 500),
        ((64, 784, 500), 50_176_000, 50_176 + 392_000 + 32_000),
        ((1, 4000, 4000), 32_000_000, 16_008_000),
        ((7744, 288, 64), 285_474_816, 2_230_272 + 18_432 + 495_616),
        ((2, 2, 2), 16, 12),
    ],
)
def test_the_intensity_of_a_product_by_hand(shape, flop, numbers):
    assert intensity(*shape) == flop / (4 * numbers)
    assert intensity(*shape, itemsize=2) == 2 * intensity(*shape)


@pytest.mark.parametrize("shape", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1, 0)])
def test_a_product_needs_sides(shape):
    with pytest.raises(ValueError, match="1 or more"):
        intensity(*shape)


@pytest.mark.slow  # for its import
@pytest.mark.parametrize("batch", [1, 8, 64, 512])
@pytest.mark.parametrize("sides", [(784, 500), (4000, 4000), (64, 256)])
def test_the_intensity_is_that_of_a_book_on_machine_learning_systems(sides, batch):
    from mlsysim.engine.scenario_types import Q_, DenseLayerScenario

    layer = DenseLayerScenario(
        name="layer",
        description="one of ours",
        in_features=sides[0],
        out_features=sides[1],
        bytes_per_weight=Q_(4, "byte"),
        batch_size=batch,
    )
    assert intensity(batch, *sides) == pytest.approx(layer.traffic_intensity, rel=1e-12)


def test_the_roof_is_the_lower_of_two_lines_that_meet_at_the_ridge():
    peak, bandwidth = 130e9, 40e9
    at = ridge(peak, bandwidth)
    assert roof(at / 2, peak, bandwidth) == pytest.approx(peak / 2)
    assert roof(at, peak, bandwidth) == pytest.approx(peak)
    assert roof([at * 2, at * 1e6], peak, bandwidth).tolist() == [peak, peak]


def test_the_layers_are_those_of_the_lessons():
    from labkit.networks.models import mlp, small_cnn
    from labkit.networks.transformer import random_weights

    assert mlp().get_layer("hidden").kernel.shape == LAYERS["MLP hidden"][1:]
    convolution = small_cnn().get_layer("conv_2")
    side, channels, filters = 3, *convolution.kernel.shape[2:]
    assert LAYERS["CNN conv_2"][1:] == (side * side * channels, filters)
    assert LAYERS["CNN conv_2"].rows == np.prod(convolution.output.shape[1:3])
    weights = {each.shape for each in random_weights()}
    assert LAYERS["transformer"][1:] in weights


# --- a machine may be odd -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caches", "free", "smallest", "largest"),
    [
        ({}, 8 * 2**30, 2**17, 2**27),  # a system that tells nothing
        ({1: 2**15, 2: 2**20}, 8 * 2**30, 2**17, 2**27),
        ({2: 2**20, 3: 100 * 2**20}, 16 * 2**30, 2**17, 400 * 2**20),
        ({3: 2**30}, 64 * 2**30, 2**17, 2**30),  # never more than one gigabyte
        ({3: 2**30}, 2**30, 2**17, 2**27),  # nor than an eighth of what is free
        ({3: 2**25}, 0, 2**17, 2**20),
    ],
)
def test_sizes_reach_from_a_near_cache_into_memory(caches, free, smallest, largest):
    sizes = roofline.sizes_to_try(caches, free)
    assert (sizes[0], sizes[-1]) == (smallest, largest)
    assert all(a < b for a, b in itertools.pairwise(sizes))


def test_caches_are_read_as_linux_writes_them(tmp_path, monkeypatch):
    found = [("Data", 1, "48K"), ("Instruction", 1, "64K"), ("Unified", 2, "2048K"),
             ("Unified", 3, "1G")]  # fmt: skip
    for number, (kind, level, size) in enumerate(found):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, text in {"type": kind, "level": level, "size": size}.items():
            (folder / name).write_text(f"{text}\n")
    (tmp_path / "index9").mkdir()  # a virtual machine that names a cache and tells nothing of it
    monkeypatch.setattr(machine, "CORE_CACHES", tmp_path)
    assert machine.caches() == {1: 48 * 2**10, 2: 2 * 2**20, 3: 2**30}


def test_functions_take_turns_and_a_long_one_is_not_repeated():
    order = []

    def slow():
        order.append("slow")
        end = time.thread_time() + 0.012
        while time.thread_time() < end:
            pass

    times = roofline.interleave({"slow": slow, "quick": lambda: order.append("quick")}, 0.0)
    assert [name for name, _ in itertools.groupby(order)][:2] == ["slow", "quick"]
    assert order.count("slow") == 5  # twice to see how long it takes, then once a round
    assert order.count("quick") > 100
    assert times["slow"].cpu.shape == times["slow"].wall.shape == (3,)
    assert times["slow"].cpu.min() >= 0.012
    assert times["quick"].cpu.max() < times["slow"].cpu.min() / 10


def test_each_function_follows_each_other_one():
    order = []

    def call(name):
        order.append(name)
        time.sleep(0.0005)

    roofline.interleave({name: lambda name=name: call(name) for name in "abc"}, 0.3)
    turns = [name for name, _ in itertools.groupby(order)]
    assert set(itertools.pairwise(turns)) == set(itertools.permutations("abc", 2))


def test_waiting_costs_wall_time_and_no_cpu_time():
    times = roofline.interleave({"sleep": lambda: time.sleep(0.02)}, 0.0)["sleep"]
    assert times.wall.min() >= 0.02
    assert times.cpu.max() < 0.01


def test_neighbors_are_busy_and_gone_afterwards():
    mine = psutil.Process()
    before = set(mine.children())
    with contextlib.suppress(InterruptedError), roofline.busy_neighbors(2, limit=20):
        neighbors = set(mine.children()) - before
        assert len(neighbors) == 2
        raise InterruptedError
    assert not any(each.is_running() for each in neighbors)


def test_a_read_touches_each_number():
    array = np.arange(8, dtype=np.float32)
    dot, largest = (read() for read in roofline.readers(array))
    assert (dot, largest) == (140, 7)
    assert roofline.product(3, 4, 5)().tolist() == np.full((3, 5), 4.0).tolist()


# --- this machine -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here():
    return roofline.measure(seconds=0.1, batches=(1, 64))


@pytest.mark.slow
def test_this_machine_has_a_peak_and_two_bandwidths(here):
    assert here.origin == "measured"
    assert here.peak > 0
    assert {(dot.layer, dot.batch) for dot in here.dots} == set(itertools.product(LAYERS, (1, 64)))
    assert all(dot.rate > 0 and dot.wall_rate > 0 for dot in here.dots)
    assert 0 < here.bandwidths["memory"] < 1.2 * here.bandwidths["cache"]
    largest = 4 * max(machine.caches().values(), default=1)  # a cache may have hundreds of MB
    assert max(here.sizes) >= min(largest, roofline.MEMORY_AT_MOST)
    with pytest.raises(KeyError, match="measured: "):
        here.dot("MLP hidden", 3)


@pytest.mark.slow
def test_a_machine_that_tells_nothing_of_itself_is_measured_too(monkeypatch):
    monkeypatch.setattr(machine, "caches", dict)
    monkeypatch.setattr(machine, "memory", lambda: (2**30, 2**26))
    monkeypatch.setattr(machine, "holds_threads", lambda: False)
    assert roofline.cpu_clock() is time.process_time
    odd = roofline.measure(seconds=0, batches=(1,))
    assert max(odd.sizes) == 2**23
    assert odd.peak > 0
    assert min(odd.bandwidths.values()) > 0


@pytest.mark.slow
@pytest.mark.alone
def test_a_large_matrix_times_one_vector_is_as_fast_as_memory_allows():
    def share():
        found = roofline.measure(seconds=5, batches=(1,))
        return found.share_of_roof(LARGE, 1)

    shares = []
    while len(shares) < 3 and not any(0.5 <= each <= 1.25 for each in shares):
        shares.append(share())  # a neighbor may have had the memory to itself
    assert any(0.5 <= each <= 1.25 for each in shares), shares
