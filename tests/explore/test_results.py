"""The results explorer: JavaScript against Python, both against pandas, then in a browser."""

import ast
import base64
import itertools
import json
import math
import os
import random
import re
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

import browser
import numpy as np
import pandas as pd
import psutil
import pytest
import synthetic

import labkit.explore
from labkit.explore import kit
from labkit.explore.board import explorer, settings, statistics, views, words
from labkit.explore.board import page as pages
from labkit.explore.board.explorer import ResultsExplorer
from labkit.explore.board.runs import Runs
from labkit.explore.kit.script import script
from labkit.lab import table

SCRIPT = "board/explorer"


# --- random runs ------------------------------------------------------------------------------


def odd_value(rng, kind):
    """A parameter or result as lessons really have them, and worse."""
    if rng.random() < 0.08:
        return None
    return {
        "few": lambda: rng.choice([1, 2, 8]),
        "grid": lambda: rng.choice([1e-5, 0.0005, 0.01, 0.5, 3.0]),
        "many": lambda: rng.uniform(-3, 3),
        "wide": lambda: 10 ** rng.uniform(-6, 2),
        "text": lambda: rng.choice(["adam", "sgd", "", "nan", "1", "ü <b>", "a,b"]),
        "flag": lambda: rng.random() < 0.5,
        "list": lambda: rng.choice([[32, 64], [32], [], ["a", 1.5]]),
        "mixed": lambda: rng.choice([1, "1", True, 2.5, [1]]),
        "result": lambda: rng.choice([rng.gauss(0, 1), rng.gauss(0, 1), 0, "nan", "inf", "-inf"]),
    }[kind]()


def odd_run(rng, number, kinds):
    """One record with missing columns, odd values and curves of different lengths."""
    status = rng.choice(["finished"] * 7 + ["failed", "interrupted", "running"])
    steps = sorted(rng.sample(range(20), rng.randrange(8)))
    curve = {"step": steps, "value": [odd_value(rng, "result") for _ in steps]}
    results = {name: odd_value(rng, "result") for name in ("score", "loss", "extra")}
    results["word"] = rng.choice(["yes", "no"])
    entry = {
        "schema": 2,
        "lesson": rng.choice(["98", "98", "98", "97"]),
        "run_id": f"{number:06x}",
        "status": status,
        "started": f"2026-01-01T00:{number % 60:02d}:00.000+00:00",
        "seconds": rng.random(),
        "attempt": 1,
        "parameters": {n: odd_value(rng, k) for n, k in kinds.items() if rng.random() < 0.95},
        "results": dict(list(results.items())[: rng.randrange(5)]),
        "curves": {"loss": curve} if rng.random() < 0.7 else {},
        "error": {"kind": "timeout", "message": "late"} if status == "failed" else None,
        "environment": {"mode": "headless"},
        # Another machine's run counts as going on.
        "process": {"host": "elsewhere", "pid": 1, "created": 0.0},
    }
    return {k: v for k, v in entry.items() if k != "curves" or v or rng.random() < 0.5}


def write_odd(top, seed, count):
    rng = random.Random(seed)
    kinds = ["few", "grid", "many", "wide", "text", "flag", "list", "mixed"]
    chosen = {f"p_{kind}": kind for kind in rng.sample(kinds, rng.randrange(1, 6))} | {
        "seed": "few"
    }
    for number in range(count):
        entry = odd_run(rng, number, chosen)
        folder = Path(top, f"{entry['lesson']}_trial", entry["run_id"])
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(entry), encoding="utf-8")
    broken = Path(top, "98_trial", "broken")
    broken.mkdir(parents=True, exist_ok=True)
    (broken / "record.json").write_text('{"schema": 99}')
    return table.results(folder=top)


# --- JavaScript -------------------------------------------------------------------------------

ASK = """
const answer = ({ payloads, cases, texts }) => {
  const tables = new Map();
  const tableOf = (which, lesson) => {
    const key = `${which} ${lesson}`;
    if (!tables.has(key)) tables.set(key, new js.Table(js.unpack(payloads[which]), lesson));
    return tables.get(key);
  };
  const found = cases.map(([which, settings]) => {
    const table = tableOf(which, settings.lesson ?? null);
    const { shown, ...rest } = js.explain(table, settings);
    return { ...rest, shown };
  });
  const copies = payloads.map((_, which) => tableOf(which, null)).map((table) =>
    table.rows.map((_, row) => Object.values(js.COPIES).map((write) => write(table, row))));
  const numbers = texts.map(([x, digits]) => js.number(x, digits));
  const student = Array.from({ length: 200 }, (_, i) => js.student(i + 1));
  return { found, copies, numbers, student };
};
"""


def javascript(question, folder):
    """What the page's script answers, in node, or else in Chromium."""
    return browser.ask(SCRIPT, "js", ASK, question, folder)


NUMBERS = [0.0, -0.0, 1.0, 0.97345, 0.00009999, 0.0001, 1234.5, 12345.678, 999999.5, 1e6, -2.5e-7]
NUMBERS += [0.1 + 0.2, 5e-324, 1.7e308, 65536.0, 0.0005, 1 / 3]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Tables of random runs; the last is a real sweep's."""
    found = [
        write_odd(tmp_path_factory.mktemp("odd"), seed, n)
        for seed, n in enumerate([1, 3, 40, 90, 150])
    ]
    top = tmp_path_factory.mktemp("sweep")
    synthetic.write_runs(top, 120, failures=0.1)
    return [*found, table.results(folder=top)]


@pytest.fixture(scope="module")
def both(tables, tmp_path_factory):
    """The cases, what Python and what JavaScript find in each, and JavaScript's other answers."""
    rng = random.Random(1)
    every = [Runs.of_table(each) for each in tables]
    cases = []
    for which, runs in enumerate(each.of() for each in every):
        some = list(explorer.grid(runs))
        cases += [[which, each] for each in rng.sample(some, min(70, len(some)))]
        cases += [
            [which, {"filters": random_filters(rng, runs), "view": v}] for v in settings.VIEWS
        ]
        cases += [[which, {"lesson": lesson}] for lesson in runs.lessons]
    payloads = [each.payload for each in every]
    question = {"payloads": payloads, "cases": cases, "texts": [[x, 4] for x in NUMBERS]}
    answers = javascript(question, tmp_path_factory.mktemp("javascript"))
    here = [views.explain(every[which].of(given.get("lesson")), given) for which, given in cases]
    return {"cases": cases, "here": here, "every": every, "tables": tables, **answers}


def random_filters(rng, runs):
    filters = {}
    for name in rng.sample(runs.varied, min(2, len(runs.varied))):
        column = runs.columns[name]
        numbers = [v for v in column.distinct if isinstance(v, float) and math.isfinite(v)]
        if column.numeric and len(numbers) > 2:
            low, high = sorted(rng.sample(numbers, 2))
            filters[name] = {"low": low, "high": high}
        else:
            filters[name] = {"values": rng.sample(column.distinct, min(2, len(column.distinct)))}
    return filters


def same(here, there, at=""):
    """Compare what Python and JSON hold; JSON writes nan and inf as null."""
    if isinstance(here, dict):
        for key in here.keys() | (there.keys() if isinstance(there, dict) else set()):
            same(here.get(key), there.get(key), f"{at}.{key}")
    elif isinstance(here, list | tuple):
        assert len(here) == len(there), at
        for k, pair in enumerate(zip(here, there, strict=True)):
            same(*pair, f"{at}[{k}]")
    elif isinstance(here, float) and not isinstance(here, bool):
        if there is None:
            assert not math.isfinite(here), at
        else:
            assert here == pytest.approx(there, rel=1e-7, abs=1e-9), at
    else:
        assert here == there, at


def test_javascript_completes_settings_filters_and_finds_the_best_as_python(both):
    for (which, given), here, there in zip(both["cases"], both["here"], both["found"], strict=True):
        same(here["settings"], there["settings"], f"table {which}, {given}: settings")
        same(here["rows"], there["rows"], f"table {which}, {given}: rows")
        assert here["best"] == there["best"], (which, given)
        same(here["star"], there["star"], f"table {which}, {given}: star")


def test_javascript_computes_the_same_statistics(both):
    seen = set()
    for (which, given), here, there in zip(both["cases"], both["here"], both["found"], strict=True):
        text = {"text": ""}
        same(here["shown"] | text, there["shown"] | text, f"table {which}, {given}: shown")
        seen.add(here["settings"]["view"])
    assert seen == set(settings.VIEWS)


def test_javascript_says_the_same_words(both):
    for case, here, there in zip(both["cases"], both["here"], both["found"], strict=True):
        assert here["text"] == there["text"], case


def test_javascript_writes_numbers_as_python(both):
    assert both["numbers"] == [words.number(x) for x in NUMBERS]


def test_the_quantiles_of_student_are_those_of_scipy(both):
    from scipy.stats import t

    np.testing.assert_allclose(both["student"], t.ppf(0.975, np.arange(1, 201)), rtol=2e-8)


# --- against pandas ---------------------------------------------------------------------------


def frame_of(both, which, lesson):
    """The rows of a lesson as pandas has them, numbers as numbers, with their row numbers."""
    runs = both["every"][which].of(lesson)
    frame = both["tables"][which].iloc[runs.rows].reset_index(drop=True)
    return frame, runs


def plain_keys(frame, name):
    """Values that pandas can group by; lists and texts apart."""
    return frame[name].map(
        lambda v: f"list {v}" if isinstance(v, list) else f"text {v}" if isinstance(v, str) else v
    )


def usable(frame, name):
    numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
    return numbers.where(np.isfinite(numbers) & (frame["status"] == "finished"))


def test_cells_of_the_heat_map_are_those_of_groupby(both):
    compared = 0
    for (which, given), there in zip(both["cases"], both["found"], strict=True):
        s = there["settings"]
        frame, runs = frame_of(both, which, s["lesson"])
        if s["view"] != "heat map" or not s["result"]:
            continue
        if any(runs.columns[s[axis]].groups[2] for axis in "xy"):
            continue  # binned: compared with Python's bins above
        frame = frame.iloc[there["rows"]]
        y = usable(frame, s["result"])
        keys = [plain_keys(frame, s[axis]).to_numpy() for axis in "xy"]
        found = y.groupby(keys, dropna=False).agg(["count", "mean", "std"])
        cells = there["shown"]["cells"]
        assert len(cells) == len(found), (which, given)
        a = sorted((c["n"], round(c["mean"] or 0, 6), round(c["std"] or 0, 6)) for c in cells)
        found = found.fillna(0).itertuples(index=False)
        b = sorted((n, round(mean, 6), round(std, 6)) for n, mean, std in found)
        np.testing.assert_allclose(a, b, atol=2e-5)
        compared += 1
    assert compared > 10


def test_filters_are_those_of_pandas(both):
    compared = 0
    for (which, given), there in zip(both["cases"], both["found"], strict=True):
        if not given.get("filters"):
            continue
        frame, _ = frame_of(both, which, there["settings"]["lesson"])
        keep = pd.Series(True, index=frame.index)
        for name, chosen in given["filters"].items():
            if "values" in chosen:
                keys = plain_keys(frame, name)
                wanted = plain_keys(
                    pd.DataFrame({name: pd.Series(chosen["values"], dtype=object)}), name
                )
                keep &= keys.isin(wanted.dropna()) | (keys.isna() & wanted.isna().any())
            else:
                numbers = pd.to_numeric(frame[name]).astype(float)
                keep &= numbers.between(chosen["low"], chosen["high"])
        assert there["rows"] == np.flatnonzero(keep).tolist(), (which, given)
        compared += 1
    assert compared > 20


def test_the_best_run_is_the_one_that_pandas_finds(both):
    for (which, _), there in zip(both["cases"], both["found"], strict=True):
        s = there["settings"]
        if not s["result"]:
            continue
        frame, _ = frame_of(both, which, s["lesson"])
        y = usable(frame.iloc[there["rows"]], s["result"]).dropna()
        if s["better"] is None:
            assert there["best"] is there["star"] is None
            continue
        best = None if y.empty else y.max() if s["better"] == "max" else y.min()
        told = None if there["best"] is None else y[there["best"]]
        assert told == best or told == pytest.approx(best, rel=1e-5)


def test_curves_are_the_means_that_pandas_finds(both):
    compared = 0
    for (which, _), there in zip(both["cases"], both["found"], strict=True):
        s = there["settings"]
        if s["view"] != "curves" or s["group"]:
            continue
        frame, _ = frame_of(both, which, s["lesson"])
        frame = frame.iloc[there["rows"]]
        frame = frame[frame["status"].isin(["finished", "running"])]
        points = table.curves(frame)
        points = points[(points["metric"] == s["metric"]) & np.isfinite(points["value"])]
        expected = points.groupby("step")["value"].agg(["count", "mean", "std", "min", "max"])
        line = [line for line in there["shown"]["series"] if line["points"]]
        drawn = pd.DataFrame(line[0]["points"]).set_index("step") if line else expected[:0]
        assert len(drawn) == len(expected)
        if len(drawn):
            shown = drawn[["n", "mean", "std", "least", "most"]].astype(float).fillna(0)
            np.testing.assert_allclose(shown, expected.fillna(0), rtol=2e-3, atol=2e-3)
            compared += 1
    assert compared > 5


def test_the_front_is_what_no_other_point_dominates(both):
    compared = 0
    for there in both["found"]:
        s, shown = there["settings"], there["shown"]
        if s["view"] != "trade-off":
            continue
        if not s["better"] or not s["betterSecond"]:
            assert shown["front"] == []
            continue
        signs = [1 if s[name] == "max" else -1 for name in ("better", "betterSecond")]
        points = np.array([[p["a"], p["b"]] for p in shown["points"]]).reshape(-1, 2) * signs
        dominated = [
            any((other >= p).all() and (other > p).any() for other in points) for p in points
        ]
        assert sorted(shown["front"]) == np.flatnonzero(~np.array(dominated, bool)).tolist()
        compared += 1
    assert compared > 10


def test_importance_is_near_one_for_what_decides_and_zero_for_noise(tmp_path):
    rng = random.Random(0)
    for number in range(120):
        rate, unique = number // 2 % 3, number // 2
        entry = odd_run(rng, number, {})
        entry |= {"lesson": "98", "status": "finished"}
        entry["results"] = {"score": rate + rng.gauss(0, 0.05)}
        noise = "abc"[unique % 7 % 3]
        entry["parameters"] = {
            "noise": noise,
            "rate": rate,
            "unique": f"u{unique}",
            "seed": number % 2,
        }
        folder = tmp_path / "98_trial" / f"{number}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(entry))
    runs = Runs.of_table(table.results(folder=tmp_path)).of()

    def share(name):
        return statistics.importance(runs, list(range(120)), f"param.{name}", "result.score")

    assert share("rate") > 0.99
    assert share("noise") < 0.1
    assert share("seed") < 0.1
    assert share("unique") == 0  # it differs in every setting, so nothing can be said
    assert settings.complete(runs, {})["x"] == "param.rate"


def test_importance_is_epsilon_squared_of_the_means_of_repeats(both):
    frame, runs = frame_of(both, -1, None)
    rows = list(range(runs.n))
    frame["y"] = usable(frame, "result.accuracy")
    names = [name for name in runs.varied if name != "param.seed"]
    keys = [plain_keys(frame, name) for name in names]
    means = frame.groupby([key.to_numpy() for key in keys])["y"].mean().dropna()
    for at, name in enumerate(names):
        if runs.columns[name].groups[2]:
            continue
        by = means.groupby(level=at)
        within = ((means - by.transform("mean")) ** 2).sum() / (len(means) - by.ngroups)
        expected = max(0, 1 - within / means.var())
        assert statistics.importance(runs, rows, name, "result.accuracy") == pytest.approx(expected)


# --- settings as code -------------------------------------------------------------------------


def test_copied_settings_are_the_settings_of_the_run(both):
    compared = 0
    for every, copies in zip(both["every"], both["copies"], strict=True):
        runs = every.of()
        for row, (parameters, command, call) in enumerate(copies):
            values = {n[6:]: runs.columns[n].values[row] for n in runs.named("param")}
            values = {name: value for name, value in values.items() if value is not None}
            lines = dict(line.split(" = ", 1) for line in parameters.splitlines())
            assert {k: ast.literal_eval(v) for k, v in lines.items()} == values
            assert ast.literal_eval(call.split(", ", 1)[1][:-1]) == values
            words = shlex.split(command)
            assert words[:3] == ["labkit", "run", runs.lesson]
            given = dict(word.split("=", 1) for word in words[4::2])
            assert set(words[3::2]) <= {"-p"}
            for name, value in values.items():
                text = given[name]
                assert (text if isinstance(value, str) else ast.literal_eval(text)) == value
            compared += bool(values)
    assert compared > 100


def test_numbers_that_were_real_stay_real(both):
    rates = [call for call in (copies[0][2] for copies in both["copies"][-1:])]
    assert re.search(r'"learning_rate": 0\.\d+', rates[0])
    assert re.search(r'"batch_size": \d+[,}]', rates[0])


# --- Python alone -----------------------------------------------------------------------------


@pytest.fixture
def sweep(tmp_path):
    synthetic.write_runs(tmp_path / "runs", 30, failures=0.1)
    return tmp_path / "runs"


def test_a_table_a_lesson_and_a_folder_show_the_same_runs(lab):
    lab.lesson(name="12_trial")
    synthetic.write_runs(lab.runs, 12, failures=0)
    by_table = labkit.explore.results(table.results())
    by_lesson = labkit.explore.results("12")
    by_number = labkit.explore.results(lesson=12)
    nothing = labkit.explore.results()
    texts = {e.text for e in (by_table, by_lesson, by_number, nothing)}
    assert len(texts) == 1
    assert texts.pop().startswith("12 runs: 12 finished.")
    assert not any(e.live for e in (by_table, by_lesson, nothing))


def test_shown_and_best_are_rows_of_the_table(sweep):
    runs = table.results(folder=sweep)
    e = labkit.explore.results(runs, filters={"optimizer": "adam", "dropout": (0.1, 0.5)})
    expected = runs[(runs["param.optimizer"] == "adam") & runs["param.dropout"].between(0.1, 0.5)]
    assert e.shown["run_id"].tolist() == expected["run_id"].tolist()
    assert e.best["result.accuracy"] == expected["result.accuracy"].max()
    e.set(better="min", filters={"optimizer": ["sgd", "adam"]})
    expected = runs[runs["param.optimizer"] != "momentum"]
    assert e.best["result.accuracy"] == expected["result.accuracy"].min()
    assert f"{len(expected)} of 30 runs shown" in e.text


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"view": "pie"}, r"view = 'pie'.*effect, curves, heat map, parallel, trade-off"),
        ({"x": "learnin_rate"}, r"no column 'learnin_rate'.*param\.learning_rate"),
        ({"result": "optimizer"}, r"no column 'optimizer'.*result\.accuracy"),
        ({"filters": {"rate": 1}}, r"no column 'rate'"),
        ({"metric": "f1"}, r"metric = 'f1'.*accuracy, loss"),
        ({"better": "more"}, r"better = 'more'.*max, min"),
        ({"colour": "red"}, r"no setting 'colour'.*statuses, filters"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(sweep, bad, message):
    with pytest.raises(ValueError, match=message):
        labkit.explore.results(table.results(folder=sweep), **bad)


def test_what_is_no_table_is_refused(lab):
    with pytest.raises(TypeError, match=r"a table of labkit.results\(\).*got \[1\]"):
        labkit.explore.results([1])
    lab.lesson()
    with pytest.raises(FileNotFoundError, match="no lesson '77'"):
        labkit.explore.results("77")


def test_no_runs_are_said_in_words_and_drawn(lab):
    e = labkit.explore.results()
    assert e.text.startswith("0 runs.")
    assert e.png.startswith(b"\x89PNG")
    assert e.best is None
    assert len(e.shown) == 0
    assert e.walk() > 0


def test_every_view_draws_another_picture(sweep):
    e = labkit.explore.results(table.results(folder=sweep))
    pictures = set()
    for view in settings.VIEWS:
        e.set(view=view)
        pictures.add(e.png)
        assert e.png.startswith(b"\x89PNG")
    assert len(pictures) == len(settings.VIEWS)


def test_the_walk_covers_views_and_names_where_it_fails(tables, monkeypatch):
    assert ResultsExplorer(tables[-1]).walk() > 100
    whole = views.curve_of

    def broken(runs, rows, metric):
        return 1 / 0 if metric == "loss" else whole(runs, rows, metric)

    monkeypatch.setattr(views, "curve_of", broken)
    with pytest.raises(kit.ExplorerError, match=r"'view': 'curves'.*ZeroDivisionError"):
        ResultsExplorer(tables[-1]).walk()


@pytest.mark.slow
def test_odd_tables_walk(tables):
    for each in tables[:3]:
        assert ResultsExplorer(each).walk() > 0


def test_live_display_has_the_widget_and_a_picture(sweep, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    e = labkit.explore.results(table.results(folder=sweep))
    data, metadata = e._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == e.model_id
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == e.text
    assert e.get_state()["runs"]["n"] == 30


def test_executed_copies_hold_a_living_page_and_no_widget(sweep, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    e = labkit.explore.results(table.results(folder=sweep))
    data, _ = e._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert str(sweep) not in data["text/html"]


# --- following a sweep ------------------------------------------------------------------------


def going(lab, number, **content):
    """Write the staged record of a run that this process is running."""
    process = psutil.Process()
    me = {"host": socket.gethostname(), "pid": os.getpid(), "created": process.create_time()}
    entry = {"schema": 2, "status": "running", "process": me, "parameters": {"rate": number / 10}}
    return lab.record(f"{number:03d}", folder=f".{number:03d}-x", **entry | content)


def ended(lab, number):
    shutil.rmtree(lab.runs / "98_trial" / f".{number:03d}-x", ignore_errors=True)
    curves = {"loss": {"step": [1, 2], "value": [1.0, 0.1 * number]}}
    content = {"parameters": {"rate": number / 10}, "results": {"answer": number}, "curves": curves}
    lab.record(f"{number:03d}", schema=2, **content)


def test_refresh_sends_only_what_changed(lab, monkeypatch):
    for number in range(4):
        ended(lab, number)
    going(lab, 4)
    e = ResultsExplorer(live=False, better="max")
    sent = []
    monkeypatch.setattr(e, "send", sent.append)
    assert not e.refresh()
    going(lab, 4, results={"answer": 1}, progress={"cell": 1, "cells": 2})
    assert e.refresh()
    assert sent[-1]["kind"] == "some"
    assert sent[-1]["runs"]["n"] == 1
    ended(lab, 4)
    assert e.refresh()
    assert sent[-1]["gone"] == ["98_trial/.004-x"]
    assert e.text.startswith("5 runs: 5 finished.")
    assert e.best["run_id"] == "004"
    assert not e.refresh()


def test_messages_merged_in_the_page_are_the_whole_table(lab, tmp_path_factory, monkeypatch):
    if not shutil.which("node"):
        pytest.skip("no node on PATH: merging was NOT compared (the browser test follows a sweep)")
    for number in range(4):
        ended(lab, number)
    going(lab, 4)
    e = ResultsExplorer(live=False)
    first, sent = e._runs.payload, []
    monkeypatch.setattr(e, "send", sent.append)
    for number in (4, 5, 6):
        ended(lab, number)
        going(lab, number + 1, results={"new": number})
        assert e.refresh()
    folder = tmp_path_factory.mktemp("merge")
    (folder / "explorer.mjs").write_text(script(SCRIPT), "utf-8")
    (folder / "all.json").write_text(json.dumps([first, sent, e._runs.payload]))
    (folder / "ask.mjs").write_text("""
        import explorer, * as js from "./explorer.mjs"; import fs from "fs";
        const [first, sent, last] = JSON.parse(fs.readFileSync("all.json", "utf8"));
        const state = { runs: first };
        const listeners = [];
        const model = { get: (name) => state[name], set: (name, value) => { state[name] = value; },
          on: (_, callback) => listeners.push(callback) };
        explorer.initialize({ model });
        for (const message of sent) listeners.forEach((listener) => listener(message));
        const rows = (payload) => {
          const { columns, curves, n } = js.unpack(payload);
          const cell = (list, row) => (Array.isArray(list) ? list : list.values)[row] ?? null;
          const at = (lists, row) => Object.fromEntries(
            Object.entries(lists).map(([name, list]) => [name, cell(list, row)]));
          const all = Array.from({ length: n }, (_, row) => [at(columns, row), at(curves, row)]);
          return Object.fromEntries(all.map((each) => [each[0].key, each]));
        };
        process.stdout.write(JSON.stringify([rows(state.runs), rows(last)]));
    """)
    done = subprocess.run(["node", "ask.mjs"], cwd=folder, check=True, capture_output=True)
    merged, whole = json.loads(done.stdout)
    assert merged == whole
    assert len(whole) == 8


def test_it_follows_in_a_thread_and_stops_by_itself(lab, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    going(lab, 1)
    e = ResultsExplorer(every=0.02)
    assert e.live
    ended(lab, 1)
    deadline = time.monotonic() + 10
    while "1 finished" not in e.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    e.stop()
    assert not e.live


def test_a_bad_record_does_not_end_the_following(lab, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    going(lab, 1)
    e = ResultsExplorer(every=0.02)
    (lab.runs / "98_trial" / "bad").mkdir()
    (lab.runs / "98_trial" / "bad" / "record.json").write_text('{"schema": 2')
    deadline = time.monotonic() + 10
    while "cannot be read" not in e.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert e.live
    e.stop()


# --- in a browser -----------------------------------------------------------------------------

ARTIFACTS = Path(__file__).parents[1] / "artifacts"


@pytest.fixture
def opened(still, tmp_path):
    """A function that opens a report from disk, without network."""

    def open_report(runs, width=1160, beside=None, scheme="light"):
        page = pages.page(runs, beside=beside or tmp_path)
        return still(page, width=width, height=1300, color_scheme=scheme)

    return open_report


def status(page):
    return page.locator(".status").inner_text()


def picture(page):
    page.evaluate(browser.SETTLED)
    return page.locator(".chart").screenshot()


@browser.needs_browser
@pytest.mark.slow
def test_every_control_changes_words_or_picture(opened, tmp_path):
    top = tmp_path / "runs"
    synthetic.write_runs(top, 60, failures=0.1, notebooks=60)
    runs = table.results(folder=top)
    e = ResultsExplorer(runs)
    page = opened(runs)
    assert status(page) == e.text
    page.get_by_label("x", exact=True).select_option("param.dropout")
    e.set(x="dropout")
    assert status(page) == e.text
    page.get_by_role("button", name="adam", exact=True).click()
    e.set(filters={"optimizer": "adam"})
    assert status(page) == e.text
    page.get_by_role("button", name="adam", exact=True).click()
    e.set(filters={})
    assert status(page) == e.text
    page.get_by_label("dropout from").focus()
    for key in ("ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    lowest = sorted(set(runs["param.dropout"]))[:2]
    assert f"{60 - int(runs['param.dropout'].isin(lowest).sum())} of 60 runs shown" in status(page)
    page.get_by_role("button", name="Clear filters").click()
    assert status(page) == e.text
    page.get_by_label("group by").select_option("param.batch_size")
    e.set(group="batch_size")
    assert status(page) == e.text
    before = picture(page)
    page.get_by_label("spread").select_option("lowest to highest")
    assert picture(page) != before
    page.get_by_role("button", name="lower is better", exact=True).click()
    e.set(better="min")
    assert status(page) == e.text
    page.get_by_label("result", exact=True).select_option("result.loss")
    e.set(result="result.loss", better="min")
    assert status(page) == e.text


@browser.needs_browser
@pytest.mark.slow
def test_every_view_by_keyboard_and_pointer(opened, tmp_path):
    top = tmp_path / "runs"
    synthetic.write_runs(top, 60, failures=0.1, notebooks=60)
    runs = table.results(folder=top)
    page = opened(runs)
    seen = set()
    page.get_by_role("tab", name="Effect").focus()
    for view in settings.VIEWS:
        assert page.get_by_role("tab", selected=True).inner_text() == view.capitalize()
        seen.add(picture(page))
        over = page.locator(".over")
        over.focus()
        page.keyboard.press("ArrowRight")
        tip = page.locator(".tip").inner_text()
        assert len(tip) > 10
        page.keyboard.press("ArrowRight")
        assert page.locator(".tip").inner_text() != tip
        page.keyboard.press("Enter")
        box = over.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(5, 5)
        assert page.locator(".tip").is_hidden()
        page.get_by_role("tab", selected=True).focus()
        page.keyboard.press("ArrowRight")
    assert len(seen) == len(settings.VIEWS)


@browser.needs_browser
@pytest.mark.slow
def test_a_drag_along_an_axis_filters_and_a_click_undoes_it(opened, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 60, failures=0)
    page = opened(table.results(folder=tmp_path / "runs"))
    page.get_by_role("tab", name="Parallel").click()
    before = status(page)
    box = page.locator(".over").bounding_box()
    x, y = box["x"] + 34, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=4)
    page.mouse.up()
    assert "of 60 runs shown" in status(page)
    page.mouse.click(x, y + 150)
    assert status(page) == before


@browser.needs_browser
@pytest.mark.slow
def test_failed_runs_show_their_cause_and_links_lead_to_notebooks(opened, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 60, failures=0.2, notebooks=60)
    runs = table.results(folder=tmp_path / "runs")
    page = opened(runs)
    failed = int((runs["status"] == "failed").sum())
    page.get_by_role("button", name=f"{failed} failed").click()
    assert f"{failed} of 60 runs shown: {failed} failed." in status(page)
    page.locator("tbody tr.failed").first.click()
    error = page.locator(".details .error").inner_text()
    assert error in set(runs["error"].dropna())
    assert page.locator("tbody tr.failed .cause").first.inner_text() in set(runs["cause"])
    link = page.get_by_role("link", name="Open notebook")
    target = Path(tmp_path, link.get_attribute("href"))
    assert json.loads(target.read_text())["nbformat"] == 4
    chosen = page.locator(".details code").first.inner_text()
    assert chosen in str(target)


@browser.needs_browser
@pytest.mark.slow
def test_the_table_sorts_scrolls_and_follows_the_keyboard(opened, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 300, failures=0.05)
    runs = table.results(folder=tmp_path / "runs")
    page = opened(runs)
    best = runs.loc[runs["result.accuracy"].idxmax(), "run_id"]
    cell = page.locator("tbody tr[aria-selected=true] code")
    assert cell.inner_text() == best
    page.locator(".scroll").focus()
    page.keyboard.press("ArrowDown")
    second = runs.sort_values("result.accuracy", ascending=False)["run_id"].iloc[1]
    assert cell.inner_text() == second
    page.keyboard.press("End")
    assert cell.inner_text() in set(runs.loc[runs["status"] == "failed", "run_id"])
    page.locator("thead").get_by_role("button", name="dropout").click()
    page.keyboard.press("Tab")
    first = page.locator("tbody tr").nth(1)
    lowest = runs["param.dropout"].min()
    assert f"{lowest:g}" in first.inner_text().split("\t")


@browser.needs_browser
@pytest.mark.slow
def test_settings_are_copied_as_shown(opened, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 12, failures=0)
    runs = table.results(folder=tmp_path / "runs")
    page = opened(runs)
    best = runs.loc[runs["result.accuracy"].idxmax()]
    page.get_by_role("button", name="Copy as Python").click()
    call = page.locator(".copied:visible").inner_text()
    values = ast.literal_eval(call.split(", ", 1)[1][:-1])
    assert values == {n[6:]: best[n] for n in runs if n.startswith("param.")}


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 720, 1160])
def test_nothing_is_wider_than_the_page(opened, tmp_path, width):
    synthetic.write_runs(tmp_path / "runs", 40, failures=0.1)
    page = opened(table.results(folder=tmp_path / "runs"), width=width)
    for view in settings.VIEWS:
        page.get_by_role("tab", name=view.capitalize()).click()
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= width, view


@browser.needs_browser
@pytest.mark.slow
def test_nothing_in_a_run_becomes_code(opened, tmp_path):
    evil = "</script><img src=x onerror='window.hit = 1'><!--<script>"
    for number in range(3):
        folder = tmp_path / "runs" / f"98_{'trial'}" / f"r{number}"
        folder.mkdir(parents=True)
        entry = odd_run(random.Random(0), number, {})
        entry |= {"lesson": "98", "status": "finished", "run_id": f"<i>{number}{evil}"}
        entry["parameters"] = {evil: evil, "p": f"{evil}{number}", "list": [evil, number]}
        entry["results"] = {evil: number, "note": evil}
        entry["curves"] = {evil: {"step": [1, 2], "value": [1, number]}}
        if number == 2:
            entry |= {"status": "failed", "error": {"kind": evil, "message": evil}}
        (folder / "record.json").write_text(json.dumps(entry))
    runs = table.results(folder=tmp_path / "runs")
    page = opened(runs)
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.locator(".over").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    page.locator("tbody tr.failed").first.click()
    page.get_by_role("button", name="Copy as parameters").click()
    assert evil in page.locator(".details .error").inner_text()
    assert page.evaluate("() => window.hit") is None
    assert page.evaluate("() => document.querySelectorAll('img').length") == 0
    e = ResultsExplorer(runs)
    assert e.html().count("</script>") == 1
    assert "<img src=x" not in e.html()


CONTRASTS = r"""() => {
  const root = document.querySelector('#explorer > div').shadowRoot;
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const over = (front, back, alpha) => back.map((c, i) => alpha * front[i] + (1 - alpha) * c);
  const up = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const parents = (node) => node ? [...parents(up(node)), node] : [];
  const linear = (c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const own = (node) => [...node.childNodes].filter((each) => each.nodeType === 3)
    .map((each) => each.data).join('').trim();
  const all = [...document.querySelectorAll('h1, footer'), ...root.querySelectorAll('*')];
  const seen = all.filter((node) => own(node) && node.getClientRects().length && !node.disabled
    && !['STYLE', 'OPTION'].includes(node.tagName));
  return seen.map((node) => {
    let [ground, alpha] = [[255, 255, 255], 1];
    for (const each of parents(node)) {
      const { backgroundColor, opacity } = getComputedStyle(each);
      const color = parse(backgroundColor);
      ground = over(color, ground, color[3] ?? 1);
      alpha *= Number(opacity);
    }
    const color = parse(getComputedStyle(node).color);
    const ink = light(over(color, ground, alpha * (color[3] ?? 1)));
    const [low, high] = [ink, light(ground)].sort((x, y) => x - y);
    return [(high + 0.05) / (low + 0.05), own(node).slice(0, 40), node.tagName];
  });
}"""


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_page_stands_out_from_its_ground(opened, tmp_path, scheme):
    synthetic.write_runs(tmp_path / "runs", 60, failures=0.1)
    page = opened(table.results(folder=tmp_path / "runs"), scheme=scheme)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 80
    assert [each for each in contrasts if each[0] < 4.5] == []  # WCAG 2, level AA


@browser.needs_browser
@pytest.mark.slow
def test_a_reader_of_headings_and_landmarks_finds_the_way(opened, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 6)
    page = opened(table.results(folder=tmp_path / "runs"))
    assert (
        page.get_by_role("main").get_by_role("heading", level=1).inner_text() == "Results: 12 Trial"
    )
    assert (
        page.get_by_role("main").get_by_role("heading", level=2).inner_text()
        == "6 runs of 12 Trial"
    )


@browser.needs_browser
@pytest.mark.slow
def test_controls_picture_and_sentence_fit_into_a_low_window_together(still, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 60, failures=0.1)
    text = pages.page(table.results(folder=tmp_path / "runs"), beside=tmp_path)
    page = still(text, width=1366, height=768)
    box = page.locator(".status").bounding_box()
    assert box["y"] + box["height"] < 690
    assert page.evaluate("() => document.documentElement.scrollHeight") < 1100


@browser.needs_browser
@pytest.mark.slow
def test_a_browser_is_led_to_the_page_first_and_sees_its_own_time(still, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 3, failures=0, notebooks=3)
    for folder in (tmp_path / "runs" / "12_trial").iterdir():
        (folder / "lesson.html").write_text("a page")
    text = pages.page(table.results(folder=tmp_path / "runs"), beside=tmp_path)
    page = still(text, timezone_id="Asia/Shanghai")
    links = page.locator(".links a").all_inner_texts()
    assert links == ["Open page ↗", "Open notebook (.ipynb) ↗"]
    assert "2026-01-01 08:00 GMT+8" in page.locator(".when").inner_text()
    assert page.locator(".when").get_attribute("title").startswith("started 2026-01-01 00:00 UTC")


@browser.needs_browser
@pytest.mark.slow
def test_the_reader_chooses_a_direction_that_the_name_does_not_tell(opened, tmp_path):
    synthetic.write_repeats(tmp_path / "runs", {0.1: [3, 4], 0.2: [5, 6]}, result="answer")
    page = opened(table.results(folder=tmp_path / "runs"))
    assert page.locator(".star, tr.best").count() == 0
    assert page.locator(".top [aria-pressed=true]").count() == 0
    page.get_by_role("button", name="higher is better").click()
    assert "★ Best setting, highest mean answer: 5.5 (n = 2) with rate = 0.2" in status(page)
    assert page.locator("tr.best").count() == 2
    assert page.locator(".legend .star").count() == 1


@browser.needs_browser
@pytest.mark.slow
def test_the_legend_names_a_star_only_where_one_is_drawn(opened, tmp_path):
    points = itertools.product((1, 2), (1, 2), (1, 2), (0, 1))
    for number, (rate, width, depth, seed) in enumerate(points):
        parameters = {"rate": rate, "width": width, "depth": depth, "seed": seed}
        results = {"accuracy": rate + width + depth}
        synthetic.write_point(tmp_path / "runs", number, parameters=parameters, results=results)
    page = opened(table.results(folder=tmp_path / "runs"))
    for view, stars in {"Parallel": 1, "Heat map": 0}.items():  # a cell holds several settings
        page.get_by_role("tab", name=view).click()
        assert page.locator(".legend .star").count() == stars
        assert "★ Best setting" in status(page)


@browser.needs_browser
@pytest.mark.slow
def test_nan_is_written_and_no_result_is_blank(opened, tmp_path):
    for number, results in enumerate([{"loss": "nan"}, {}, {"loss": 0.5}]):
        synthetic.write_point(tmp_path / "runs", number, results=results)
    page = opened(table.results(folder=tmp_path / "runs"))
    cells = page.locator("tbody tr td:nth-child(3)").all_inner_texts()
    assert sorted(cells) == ["", "0.5", "nan"]


NOTEBOOK = """
import labkit.explore
e = labkit.explore.results(live=True, every=0.2)
e
"""


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_it_follows_runs_and_opens_their_notebooks(tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    top = tmp_path / "runs"
    synthetic.write_runs(top, 30, notebooks=30, failures=0.1)
    cells = [f"import os; os.environ['LABKIT_RUNS'] = {str(top)!r}", NOTEBOOK, "'later'"]
    browser.write_notebook(tmp_path / "n.ipynb", *cells)
    ARTIFACTS.mkdir(exist_ok=True)
    with browser.Lab(tmp_path, height=1400) as lab:
        page = lab.open("n.ipynb", theme="dark")
        assert lab.run(page)
        here = page.locator(".jp-OutputArea .status").first
        expect_text(page, here, "30 runs")
        page.screenshot(path=ARTIFACTS / "results-jupyterlab-dark.png")
        # The kernel is busy as in a sweep; what comes meanwhile is seen nevertheless.
        page.evaluate(BUSY)
        synthetic.write_runs(top, 36, notebooks=36, failures=0.1)
        expect_text(page, here, "36 runs")
        page.get_by_role("tab", name="Heat map").click()
        expect_text(page, here, "Mean accuracy over")
        lab.change_theme(page, "light")
        page.screenshot(path=ARTIFACTS / "results-jupyterlab-light.png")
        page.get_by_text("The chosen run, and all runs").click()
        page.get_by_role("link", name="Open notebook").click()
        browser.wait_until(
            page, "() => jupyterapp.shell.currentWidget?.context?.path.startsWith('runs/12_trial')"
        )
        assert page.problems == []
        assert page.outside == []


BUSY = """() => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  content.activeCell.model.sharedModel.setSource('import time; time.sleep(4)');
  jupyterapp.commands.execute('notebook:run-cell');
}"""


def expect_text(page, locator, text):
    deadline = time.monotonic() + 30
    while text not in locator.inner_text():
        assert time.monotonic() < deadline, locator.inner_text()
        page.wait_for_timeout(50)
