"""Lesson 91 as a learner meets it: a sweep in a live kernel, and nothing run twice."""

import os
from statistics import stdev

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit
from synthetic import write_point

from labkit.explore import figures
from labkit.explore.board.runs import Runs
from labkit.lab import parameters, places
from labkit.lab.table import results

pytestmark = pytest.mark.alone

SMALL = [
    ("rates = [0.01, 0.03, 0.1, 0.3]", "rates = [0.1, 0.3]"),
    ('optimizers = ["sgd", "momentum", "adam"]', 'optimizers = ["sgd", "adam"]'),
    ("repeats: int = 4", "repeats: int = 2"),
    ("fresh_seeds: int = 12", "fresh_seeds: int = 2"),
    ("draws: int = 60", "draws: int = 8"),
]
LOADED = "import sys; sorted({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules))"


def test_the_small_notebook_is_stripped_and_has_what_a_sweep_needs():
    path = places.lesson_file("99")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.read_text(encoding="utf-8").strip() == nbformat.writes(notebook).strip()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    schema = parameters.read_parameters(notebook)
    assert all(p.help for p in schema.values())
    assert {"learning_rate", "optimizer", "epochs", "units", "seed"} == set(schema)
    assert "99" not in places.lesson_files(), "it is no lesson"


def test_its_picture_has_the_colors_of_the_explorer_below_it(tmp_path):
    cells = nbformat.read(places.lesson_file("91"), as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.id == "means-figure"]
    found = {"optimizers": ["sgd", "momentum", "adam"], "figures": figures}
    exec(next(line for line in source.splitlines() if line.startswith("colors =")), found)
    for number, name in enumerate(found["optimizers"]):  # as the sweep runs them
        write_point(tmp_path, number, parameters={"optimizer": name}, results={"accuracy": number})
    runs = Runs.of_table(results(folder=tmp_path)).of()
    levels = [level["label"] for level in runs.columns["param.optimizer"].groups.levels]
    codes = runs.colors_of("param.optimizer")
    assert found["colors"] == {
        name: figures.COLORS[code] for name, code in zip(levels, codes, strict=True)
    }


def test_a_setting_of_which_one_run_ended_has_no_interval():
    cells = nbformat.read(places.lesson_file("91"), as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.id == "check-interval"]
    names = {"np": np, "stdtrit": stdtrit, "interval": lambda values, t: (stdev(values), t)}
    exec(source.partition("\n\n\n")[2], names)
    assert np.isnan(names["ends"](pd.Series([0.8, np.nan]))).all()
    assert names["ends"](pd.Series([0.5, 0.5]))[0] == 0


@pytest.mark.slow
def test_it_sweeps_in_a_live_kernel_and_a_second_time_runs_nothing(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path / "runs of lessons"))
    environment = {k: v for k, v in os.environ.items() if k != "LABKIT_HEADLESS"}
    notebook = nbformat.read(places.lesson_file("91"), as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for old, new in SMALL:
        assert old in cells["parameters"].source
        cells["parameters"].source = cells["parameters"].source.replace(old, new)
    cells["loaded"] = nbformat.v4.new_code_cell(LOADED, id="loaded")
    notebook.cells.append(cells["loaded"])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})

    def run_all_cells():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.get("name") == "stderr"]
        (shown,) = cells["sweep"].outputs
        return shown.data["text/plain"]

    with client.setup_kernel(env=environment):
        assert "8 of 8 runs · 2 done before · 2 failed · 4 finished" in run_all_cells()
        before = results("99")
        assert "8 of 8 runs · 8 done before" in run_all_cells()
        assert cells["loaded"].outputs[0].data["text/plain"] == "[]", "a framework was imported"

    after = results("99")
    same = after["run_id"].isin(before["run_id"])
    assert same.all(), "no other runs"
    ended = before[before["cause"] != "timeout"]
    assert after[after["cause"] != "timeout"]["started"].tolist() == ended["started"].tolist()
    causes = after["cause"].dropna().tolist()
    assert set(causes) == {"expectation", "timeout"}
    assert causes.count("timeout") == 1
    (row,) = results("91").itertuples()
    assert row.status == "finished"
    assert not (tmp_path / "runs").exists(), "a second results folder, which nobody reads"
