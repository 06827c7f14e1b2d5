"""The explorer of ring, star and tree, and the picture of a ring, without a browser."""

import time

import numpy as np
import pytest

from labkit.datacenter.distributed import COSTS, ring_step, seconds, simulate_ring
from labkit.datacenter.links import Link
from labkit.explore import collectives, figures
from labkit.explore.collectives import CollectivesExplorer, ring_steps

SLOW = Link(bandwidth=20e6, latency=0.01)


@pytest.fixture(scope="module")
def rows():
    """Invented times, each a tenth above the model."""
    cases = [(m, n, b) for m in COSTS for n in (2, 4, 8) for b in (2**14, 2**20)]
    found = []
    for method, size, length in cases:
        taken = 1.1 * seconds(method, size, length, SLOW)
        row = {"method": method, "size": size, "size_in_bytes": length, "seconds": taken}
        found.append(row | {"least": 0.95 * taken, "most": 1.3 * taken})
    return found


@pytest.fixture(scope="module")
def explorer(rows):
    return CollectivesExplorer(rows, SLOW)


def test_it_opens_with_two_workers_on_the_measured_line(explorer):
    assert explorer.params == {
        "workers": 2, "message_kib": 1024, "latency": 10.0, "bandwidth": 20.0, "over": "workers",
    }  # fmt: skip
    assert [len(line[0]) for line in explorer.result["lines"].values()] == [1, 1, 1]


def test_a_mark_is_drawn_where_it_was_measured_and_nowhere_else(explorer, rows):
    explorer._jump({"workers": 8, "message_kib": 1024, "latency": 10.0, "over": "workers"})
    dots = explorer._picture(explorer.params).moving["dots"]
    base = -2  # the lowest decade shown: 0.01 s
    for dot, method in zip(dots, COSTS, strict=True):
        taken = [r["seconds"] for r in rows if (r["method"], r["size_in_bytes"]) == (method, 2**20)]
        np.testing.assert_array_equal(dot.get_xdata(), [2, 4, 8])
        np.testing.assert_allclose(10 ** (np.array(dot.get_ydata()) + base), taken)
    explorer._jump({"over": "message size"})
    np.testing.assert_array_equal(
        explorer._picture(explorer.params).moving["dots"][0].get_xdata(), [16, 1024]
    )
    explorer._jump({"latency": 20.0})
    assert not explorer.result["measured"]
    assert "measured at 10 ms and 20 MB/s" in explorer.text
    explorer._jump({"latency": 10.0, "workers": 5})
    assert "Measured were 2, 4, 8 workers with 16, 1,024 KiB" in explorer.text


def test_the_caption_says_who_wins_why_and_how_near_the_model_is(explorer):
    explorer._jump({"workers": 8, "message_kib": 1024, "latency": 10.0})
    assert "The ring wins: each worker sends less than two vectors" in explorer.text
    assert "(1.10 × the model)" in explorer.text
    explorer._jump({"message_kib": 16})
    assert "The tree wins" in explorer.text
    assert "3 up and 3 down. It beats the ring below 368 KiB" in explorer.text
    explorer._jump({"workers": 3, "message_kib": 4, "latency": 50.0})
    assert "The star wins" in explorer.text
    explorer._jump({"workers": 2, "message_kib": 4})
    assert "all three take" in explorer.text


def test_bars_split_the_model_into_latencies_and_bytes(explorer):
    explorer._jump({"workers": 8, "message_kib": 1024, "latency": 10.0, "bandwidth": 20.0})
    moving = explorer._picture(explorer.params).moving
    first, second = moving["latency"][0].get_width(), moving["bandwidth"][0].get_width()
    assert first / second == pytest.approx(14 * 0.01 / (1.75 * 2**20 / 20e6))
    assert "modeled 232 ms\nmeasured 255 ms" in moving["texts"][0].get_text()


def test_without_a_measurement_it_says_that_it_is_a_model():
    explorer = CollectivesExplorer()
    assert "no measurement was given" in explorer.text
    with pytest.raises(ValueError, match="give the link"):
        CollectivesExplorer([{"method": "ring"}])


def test_copies_set_the_line_of_the_lesson(explorer):
    explorer._jump({"latency": 5.0, "bandwidth": 50.0})
    assert "-p latency=5" in explorer.texts()["Copy as command"]


def test_all_settings_draw_and_each_takes_less_than_a_tenth_of_a_second(explorer):
    begun = time.thread_time()
    settings = explorer.walk(samples=8)
    assert (time.thread_time() - begun) / settings < 0.1


# --- the picture of a ring ----------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch):
    """Collect the figures and their captions."""
    found = []
    monkeypatch.setattr(figures, "show", lambda fig, caption: found.append((fig, caption)))
    return found


def cells(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("size", [2, 3, 4, 6])
def test_each_panel_holds_what_the_ring_holds(shown, size):
    ring_steps(simulate_ring(np.ones((size, 12)), ring_step))
    fig, caption = shown[0]
    panels = [ax for ax in fig.axes if ax.get_title()]
    assert len(panels) == 2 * size - 1
    assert cells(panels[0]) == [str(rank) for rank in range(size) for _ in range(size)]
    assert cells(panels[size - 1]).count("all") == size
    assert set(cells(panels[-1])) == {"all"}
    assert "every worker has every sum" in caption


def test_a_wrong_step_is_shown_and_told(shown):
    ring_steps(simulate_ring(np.ones((3, 6)), lambda rank, step, size: (0, 0)))
    fig, caption = shown[0]
    assert "2·2" in "".join(cells(fig.axes[2]))
    assert "counts 2 times" in caption
    ring_steps(simulate_ring(np.ones((3, 6)), lambda rank, step, size: (rank, rank)))
    assert "numbers of different places are mixed" in shown[1][1]
    with pytest.raises(ValueError, match="room for 2 to 6 workers; got 8"):
        ring_steps(simulate_ring(np.ones((8, 8))))
    assert collectives.LOOKS.keys() == COSTS.keys()
