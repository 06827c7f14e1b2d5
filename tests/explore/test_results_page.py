"""The HTML page of results: what is in the file. What it does in a browser: test_results.py."""

import json
import re

import pandas as pd
import pytest
import synthetic

from labkit.explore.board import page as pages
from labkit.explore.board import payload
from labkit.explore.board.runs import Runs
from labkit.lab import table


@pytest.fixture
def sweep(tmp_path):
    synthetic.write_runs(tmp_path / "runs", 40, failures=0.1, notebooks=5)
    return tmp_path / "runs"


def state_of(page: str) -> dict:
    """The data of a page, as its script gets it."""
    line = next(line for line in page.splitlines() if line.startswith("revive(document"))
    return json.loads(line[line.index("{") : -2])


def column(runs: dict, name: str) -> list:
    """The values of a column of a payload."""
    found = next(each for each in runs["columns"] if each["name"] == name)
    if "values" in found:
        return found["values"]
    if "levels" in found:
        return [found["levels"][code] for code in found["codes"]]
    return [found["constant"]] * runs["n"]


def test_the_page_holds_every_run_and_loads_nothing(sweep):
    runs = table.results(folder=sweep)
    page = pages.page(runs, beside=sweep.parent)
    state = state_of(page)
    assert column(state["runs"], "run_id") == runs["run_id"].tolist()
    assert column(state["runs"], "param.learning_rate") == runs["param.learning_rate"].tolist()
    assert column(state["runs"], "param.units") == runs["param.units"].tolist()
    assert sum(column(state["runs"], "notebook")) == 5
    names = page.replace("http://www.w3.org/2000/svg", "")  # a name, never loaded
    assert not re.search(r"https?:|//[a-z]+\.", names)
    assert not re.search(r"""\b(import\s*\(|import\s+[{*"']|fetch\(|@import|url\((?!#))""", page)
    assert page.count("</script>") == 1
    assert "default-src 'none'" in page
    assert runs["run_id"][0] in page.split("<script")[0]  # as text, for readers without scripts


def test_curves_travel_with_their_steps(sweep):
    runs = table.results(folder=sweep)
    packed = Runs.of_table(runs).payload["curves"]["loss"]
    points = table.curves(runs)
    points = points[points["metric"] == "loss"]
    for row, which, values in zip(packed["rows"], packed["of"], packed["values"], strict=True):
        own = points[points["run_id"] == runs["run_id"][row]]
        assert packed["steps"][which] == own["step"].tolist()
        assert values == pytest.approx(own["value"].tolist(), rel=1e-3)
    assert len(packed["steps"]) == 2  # whole runs, and those that failed half-way


def test_long_curves_are_thinned_to_fit(sweep, monkeypatch):
    monkeypatch.setattr(payload, "POINTS", 40 * 2 * 7)
    packed = Runs.of_table(table.results(folder=sweep)).payload["curves"]["loss"]
    assert max(map(len, packed["values"])) == 7
    assert {steps[0] for steps in packed["steps"]} == {1}
    assert {steps[-1] for steps in packed["steps"]} == {6, 12}


def test_five_thousand_runs_stay_below_five_megabytes(tmp_path):
    synthetic.write_runs(tmp_path, 300, epochs=40)
    runs = table.results(folder=tmp_path)
    whole = pd.concat([runs] * 17, ignore_index=True)[:5000]
    whole["run_id"] = [f"{n:012x}" for n in range(5000)]  # nothing to gain by repetition
    for name in whole.select_dtypes("float"):
        whole[name] += [n * 1.2345e-7 for n in range(5000)]
    size = len(pages.page(whole))
    assert 1e6 < size < 5e6


def test_no_folder_of_this_machine_is_told(sweep, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "someone"))
    for number, message in enumerate([f"cannot read {tmp_path}/home/someone/x", "other"]):
        folder = sweep / "12_trial" / f"bad{number}"
        folder.mkdir()
        record = {"schema": 2, "lesson": "12", "run_id": "b", "status": "failed", "started": ""}
        record |= {"parameters": {}, "results": {}, "error": {"kind": "x", "message": message}}
        (folder / "record.json").write_text(json.dumps(record) if number == 0 else "half")
    runs = table.results(folder=sweep)
    assert str(sweep) in "".join(runs["error"].dropna())  # of the broken one
    for beside in (sweep, sweep.parent, sweep / "12_trial", "/", None):
        assert str(tmp_path) not in pages.page(runs, beside=beside)
    assert "cannot read ~/x" in pages.page(runs)


@pytest.mark.parametrize(
    ("beside", "base"),
    [(".", "./"), ("..", "runs/"), ("12_trial", "../"), ("../other", "../runs/"), ("/", None)],
)
def test_links_are_relative_to_the_page(sweep, beside, base):
    runs = table.results(folder=sweep)
    assert pages.link_base(runs, sweep / beside) == base
    assert state_of(pages.page(runs, beside=sweep / beside))["base"] == base


def test_runs_of_several_folders_have_no_links(sweep, tmp_path):
    synthetic.write_runs(tmp_path / "more", 2, seed=1)
    both = pd.concat([table.results(folder=sweep), table.results(folder=tmp_path / "more")])
    assert pages.link_base(both, tmp_path) is None
    assert pages.page(both.reset_index(drop=True), beside=tmp_path)


def test_names_of_folders_are_quoted_in_links(tmp_path):
    synthetic.write_runs(tmp_path / 'my "runs" #1', 2)
    runs = table.results(folder=tmp_path / 'my "runs" #1')
    assert pages.link_base(runs, tmp_path) == "my%20%22runs%22%20%231/"


def test_no_runs_are_a_page_too(lab):
    page = pages.page(table.results())
    assert state_of(page)["runs"]["n"] == 0
    assert "<h1>Results</h1>" in page


def test_titles_are_escaped(sweep):
    page = pages.page(table.results(folder=sweep), title="<b>&")
    assert "<title>&lt;b&gt;&amp;</title>" in page


def test_odd_values_survive_the_way_to_the_page(lab):
    values = [float("inf"), True, "nan", "<NA>", [1, 2.5, "x"], 10**15, 0.1 + 0.2, None]
    for n, value in enumerate(values):
        lab.record(f"r{n}", parameters={"p": value}, started=f"2026-01-01T00:00:0{n}+00:00")
    told = column(Runs.of_table(table.results()).payload, "param.p")
    assert told == [{"f": "inf"}, *values[1:]]
