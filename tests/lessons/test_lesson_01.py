"""Lesson 01 when a learner changes the sample of section 1, which is the first thing to try."""

import nbformat
import pytest
from lesson_code import names_after
from nbclient import NotebookClient

from labkit.lab import places

LESSON = places.lesson_files()["01"]
SAMPLE = "x, y, tiny = 2.0, 1.0, 1e-5"


def first_cell(sample):
    """The cell that sets the sample, with another one."""
    (cell,) = [c for c in nbformat.read(LESSON, as_version=4).cells if c.id == "loss"]
    assert SAMPLE in cell.source
    return cell.source.replace(SAMPLE, f"x, y, tiny = {sample}, 1e-5")


@pytest.mark.parametrize("x", [0.02, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0])
@pytest.mark.parametrize("y", [1.0, -7.0])
def test_the_measured_limit_follows_the_sample(x, y):
    names = names_after("01", "measure-limit", loss=first_cell(f"{x}, {y}"))
    assert names["largest_stable_rate"] == pytest.approx(1 / x**2, rel=1e-5)


@pytest.mark.slow
def test_the_lesson_runs_with_another_sample(tmp_path, monkeypatch):
    """Its claims and expectations are about the sample as given; with another they do not fail."""
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    changed = nbformat.read(LESSON, as_version=4)
    for cell in changed.cells:
        if cell.id == "loss":
            cell.source = first_cell("3.0, 1.0")
    NotebookClient(changed, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()


def test_no_batch_size_is_judged_at_one_rate():
    """Each has its own best rate inside the grid, and there they end close together."""
    names = names_after("01", "batch-best")
    for name, best in names["best_at"].items():
        assert 0 < best < len(names["tried"]) - 1, name
    assert max(names["lowest_excess"].values()) < 0.02
    at_one_rate = [ends[names["tried"].index(0.01)] for ends in names["at_the_end"].values()]
    assert max(at_one_rate) > 10 * min(at_one_rate)  # what one rate for all would show
