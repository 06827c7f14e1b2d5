"""The explorer and the figures of lesson 17: what they show and what they say."""

import numpy as np
import pandas as pd
import pytest

from labkit.datacenter.cards import CARDS, LAUNCHES, Card, step
from labkit.datacenter.steps import fit_line
from labkit.explore import devices_pictures as pictures
from labkit.explore.devices import COMPILED, EXAMPLE, HERE, ONE_BY_ONE, DeviceExplorer
from labkit.networks.devices import Memory

MEASURED = Card("a name", "measured", {"float32": 1e11, "bfloat16": 2e11}, 1e10, 0, 0, "here")
DOTS = {512: {"a call a step": {1: 2e-3, 16: 3e-3}, "labkit's fit": {1: 1e-3, 16: 2e-3}}}


def made(**start):
    return DeviceExplorer(MEASURED, {ONE_BY_ONE: 2e-5, COMPILED: 1e-6}, DOTS, **start)


@pytest.mark.parametrize("card", [HERE, "T4", "H200"])
@pytest.mark.parametrize("batch", [1, 64, 4096])
def test_the_star_stands_where_the_model_says(card, batch):
    explorer = made(card=card, batch=batch, width=1024, operations=100)
    launch = 2e-5 if card == HERE else max(2e-5, LAUNCHES["in a row"])
    parts = step(CARDS.get(card, MEASURED), batch, 1024, 100, launch)
    ((x,), (y,)) = explorer._picture(explorer.params).moving["star"].get_data()
    assert (x, y) == (batch, pytest.approx(parts.seconds))
    assert {"launch": "Launch", "memory": "Memory", "compute": "Compute"}[
        parts.bound
    ] + "-bound" in explorer.text


def test_compiling_makes_a_launch_shorter_everywhere():
    for card in (HERE, "A100"):
        one, graph = (made(card=card, launched=how).result for how in (ONE_BY_ONE, COMPILED))
        assert graph["launch"] < one["launch"]
        assert graph["parts"].seconds <= one["parts"].seconds
    assert made(card="A100", launched=COMPILED).result["launch"] == LAUNCHES["as a graph"]


def test_measured_marks_belong_to_this_machine_and_their_width():
    explorer = made(width=512)
    moving = explorer._picture(explorer.params).moving
    assert moving["labkit's fit"].get_ydata() == [1e-3, 2e-3]
    assert "Gray marks are measured" in explorer.text
    explorer._jump({"card": "H100"})
    assert len(moving["labkit's fit"].get_ydata()) == 0
    assert "quoted: NVIDIA, H100" in explorer.text
    explorer._jump({"card": HERE, "width": 64})
    assert len(moving["labkit's fit"].get_ydata()) == 0


def test_it_names_the_batch_from_which_launching_is_no_longer_the_longest():
    explorer = made(card="A100", width=1024, batch=1, operations=100)
    free = explorer.result["free"]
    parts = [step(CARDS["A100"], b, 1024, 100, 2e-5) for b in (free // 2, free)]
    assert [each.bound for each in parts] == ["launch", "compute"]
    assert f"From a batch of about {free} on" in explorer.text
    assert "No batch here" in made(card="H200", width=64, batch=1).text


def test_missing_units_and_missing_compilers_are_told():
    assert "no units for TF32" in made(card="T4", number_format="TF32").text
    without = DeviceExplorer(MEASURED, {ONE_BY_ONE: 1e-6}, launched=COMPILED)
    assert "compiled nothing" in without.text


def test_another_machine_is_marked_as_quoted():
    explorer = DeviceExplorer()
    assert "quoted" in explorer.text
    heading = explorer._picture(explorer.params).moving["heading"].get_text()
    assert heading == f"{EXAMPLE.name}, quoted"


def test_it_walks():
    assert made().walk() >= 15


# --- kept runs ------------------------------------------------------------------------------------


def shown(capsys, runs) -> str:
    pictures.kept_runs(runs)
    return capsys.readouterr().out


def test_without_kept_runs_it_says_so(capsys, monkeypatch):
    told = []
    monkeypatch.setattr("IPython.display.display", told.append)
    pictures.kept_runs(pd.DataFrame(columns=["date", "card", "command"]))
    assert "No run on a GPU has been kept yet" in told[0].data


def test_kept_runs_are_quoted_with_card_date_and_command(monkeypatch):
    told = []
    monkeypatch.setattr("IPython.display.display", told.append)
    row = dict.fromkeys(pictures.KEPT, 1.0) | {
        "date": "2026-01-01", "card": "made up", "command": "benchmarks/gpu.py",
        "network": "cnn", "way": "fit", "precision": "float32", "batch": 64, "driver": "1",
    }  # fmt: skip
    pictures.kept_runs(pd.DataFrame([row, row | {"network": "lstm", "peak_fraction": np.nan}]))
    assert "Quoted: 2 kept runs on made up" in told[0].data
    assert "benchmarks/gpu.py" in told[0].data
    page = told[1].to_html()
    assert "2026-01-01" in page
    assert "lstm" in page


# --- figures --------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are shown, as (figure, caption)."""
    found = []
    monkeypatch.setattr(pictures.figures, "show", lambda *given: found.append(given))
    return found


def test_the_figures_draw_what_they_are_given(drawn):
    took = {16: 1e-3, 1024: 3e-3}
    line = fit_line(list(took), [list(took.values())])
    pictures.crossing({4: 1e-5, 2**20: 1e-3}, line, {1: 1e-5, 10**6: 1e-3})
    pictures.throughput({"CNN": took, "LSTM": took}, {"CNN": line, "LSTM": line})
    rate = drawn[1][0].axes[1].lines[1]
    assert rate.get_ydata() == pytest.approx([16 / 1e-3, 1024 / 3e-3])
    pictures.ways({"CNN": {"a call a step": 2e-3, "model.fit": 3e-3, "labkit's fit": 1e-3}})
    assert [bar.get_width() for bar in drawn[2][0].axes[0].patches] == pytest.approx([2, 3, 1])
    held = {b: Memory(4, 4, 8, 10**9 * b) for b in (1, 8)}
    pictures.memory(held, CARDS["T4"], 15.0)
    assert drawn[3][0].axes[0].lines[1].get_ydata() == pytest.approx([1, 8])
    assert all(len(caption) > 40 for _, caption in drawn)


def test_the_table_of_formats_says_what_was_not_measured():
    table = pictures.precision_table(MEASURED, {"float32": 1e-7, "TF32": 3e-4})
    assert table.loc["float32", "measured here (TFLOP/s)"] == "0.1"
    assert table.loc["TF32", "measured here (TFLOP/s)"] == "not measured"
    assert table.loc["TF32", "A100, quoted (TFLOP/s)"] == "156"
