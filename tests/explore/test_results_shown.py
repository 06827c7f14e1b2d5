"""What the results explorer calls best, and how it draws: against plain examples."""

import json
import math
import random
import re

import browser
import numpy as np
from synthetic import write_point, write_repeats

import labkit.explore
from labkit.explore import figures
from labkit.explore.board import picture, views
from labkit.explore.board.columns import Column
from labkit.explore.board.runs import Runs
from labkit.lab import table

SCRIPT = "board/explorer"


# --- what is best, and how sure ------------------------------------------------------------------


def optimizers(tmp_path):
    """A table sorted by name, of a sweep that ran sgd first, as lesson 91 gives it."""
    number = 0
    for optimizer in ("sgd", "momentum", "adam"):
        for rate in (0.01, 0.03, 0.1, 0.3):
            failed = (optimizer, rate) == ("adam", 0.3)
            given = {"optimizer": optimizer, "rate": rate}
            content = {"status": "failed"} if failed else {"results": {"accuracy": number}}
            write_point(tmp_path, number, parameters=given, **content)
            number += 1
    return table.results(folder=tmp_path).sort_values("param.optimizer", ignore_index=True)


def repeats(top, scores, result="accuracy"):
    """The explorer of these runs."""
    write_repeats(top, scores, result)
    return labkit.explore.results(table.results(folder=top))


def test_a_name_decides_which_way_is_better_by_its_last_telling_word(tmp_path):
    e = repeats(tmp_path, {0.1: [0.7], 0.2: [0.5]}, result="time_split_accuracy")
    assert e.best["result.time_split_accuracy"] == 0.7
    assert "Highest time_split_accuracy: 0.7 with rate = 0.1" in e.text


def test_nothing_is_best_where_the_name_does_not_tell(tmp_path):
    e = repeats(tmp_path, {0.1: [3, 4], 0.2: [5, 6]}, result="answer")
    assert e.best is None
    assert "Which way of answer is better, its name does not tell: choose it." in e.text
    assert not re.search("best|highest|lowest|★", e.text.lower().replace("better", ""))
    e.set(better="min")
    assert e.best["result.answer"] == 3
    assert "★ Best setting, lowest mean answer: 3.5 (n = 2)" in e.text


def test_a_curve_without_a_result_of_its_name_knows_its_way_too(lab):
    for number in range(2):
        curve = {"loss": {"step": [1, 2], "value": [1.0, 0.5 + number]}}
        lab.record(
            f"r{number}", schema=2, parameters={"rate": number}, results={"answer": 1}, curves=curve
        )
    e = labkit.explore.results(view="curves", group="rate")
    assert "lowest last mean 0.5 with rate 0" in e.text


def test_the_best_of_many_single_runs_gets_no_star(tmp_path):
    e = repeats(tmp_path, {0.1: [0.8], 0.2: [0.9], 0.3: [0.7]})
    told = (
        "Highest accuracy: 0.9 with rate = 0.2, the best of 3 runs, chosen by this result: not yet"
    )
    assert told in e.text
    assert "★" not in e.text


def test_the_star_goes_to_the_best_mean_of_repeats_not_to_the_luckiest_run(tmp_path):
    e = repeats(tmp_path, {0.1: [0.8, 0.82], 0.2: [0.6, 0.9], 0.3: [0.95]})
    assert (
        "★ Best setting, highest mean accuracy: 0.81 (n = 2) with rate = 0.1, the best of 2"
        in e.text
    )
    assert "Highest single run: 0.95, the best of 5 runs, chosen by this result." in e.text
    assert e.best["result.accuracy"] == 0.95


def test_a_star_says_how_many_of_its_runs_failed(tmp_path):
    e = repeats(tmp_path, {0.1: [0.8, 0.9, None], 0.2: [0.6, 0.7, 0.6]})
    assert "★ Best setting, highest mean accuracy: 0.85 (n = 2, 1 failed) with rate = 0.1" in e.text


def test_the_same_seed_twice_is_no_second_run(tmp_path):
    for number, version in enumerate(("a", "b")):
        given = {"rate": 0.1, "seed": 7}
        write_point(tmp_path, number, parameters=given, results={"accuracy": 0.8})
        write_point(
            tmp_path, 10 + number, parameters=given | {"rate": 0.2}, results={"accuracy": 0.7}
        )
        assert version
    e = labkit.explore.results(table.results(folder=tmp_path))
    assert "★" not in e.text


def test_settings_that_never_finished_are_told(tmp_path):
    for number, (optimizer, rate) in enumerate(
        [(o, r) for o in ("sgd", "adam") for r in (0.1, 0.3)]
    ):
        failed = (optimizer, rate) == ("adam", 0.3)
        results = {} if failed else {"accuracy": 0.5}
        status = "failed" if failed else "finished"
        write_point(
            tmp_path,
            number,
            status=status,
            parameters={"optimizer": optimizer, "rate": rate},
            results=results,
        )
    runs = table.results(folder=tmp_path)
    for view, where in {
        "effect": "rate 0.3, optimizer adam",
        "heat map": "rate 0.3, optimizer adam",
    }.items():
        e = labkit.explore.results(runs, view=view, x="rate", y="optimizer", group="optimizer")
        assert f"No run finished at {where} (1 failed)." in e.text
    assert "1 run failed and has no point" not in e.text


def test_nan_is_told_from_no_result(tmp_path):
    for number, results in enumerate([{"loss": "nan"}, {"loss": None}, {}, {"loss": 0.5}]):
        write_point(tmp_path, number, results=results)
    packed = Runs.of_table(table.results(folder=tmp_path)).payload
    (column,) = [each for each in packed["columns"] if each["name"] == "result.loss"]
    assert column["values"] == [{"f": "nan"}, None, None, 0.5]
    json.dumps(packed, allow_nan=False)


def test_times_go_to_the_page_as_utc(tmp_path):
    write_point(tmp_path, 61)
    packed = Runs.of_table(table.results(folder=tmp_path)).payload
    (column,) = [each for each in packed["columns"] if each["name"] == "started"]
    assert column["constant"] == "2026-01-01T00:01:01.000Z"


# --- axes, lines and colors ----------------------------------------------------------------------

LAYOUTS = {
    "log": [
        [0.01, 0.03, 0.1, 0.3],
        [1, 2, 4, 8],
        [16, 32, 64, 128],
        [1e-4, 1e-2],
        [0.1, 0.2, 0.5, 1],
    ],
    "linear": [[1, 2, 3, 4], [0.0, 0.25, 0.5], [0.1, 0.3], [-1, 1], [5, 6, 7], [0.2, 0.5, 0.9]],
    "steps": [[0, 1e-4, 1e-3, 1e-2, 1e-1], [0, 0.01, 1]],
    "names": [["adam", "sgd"], [True, False], [1, None, 2], [[1], [2]], [0.1, float("inf")]],
}


def test_an_axis_lies_as_its_values_do(tmp_path):
    cases = [(kind, values) for kind, several in LAYOUTS.items() for values in several]
    for kind, values in cases:
        assert Column("param.x", values).layout == kind, values
    code = """const layout = (values) => new columns.Column("param.x", values, false).layout;
      const answer = (all) => all.map((each) => layout(each.map((v) => v === "inf" ? 1 / 0 : v)));
    """
    plain = [["inf" if v == math.inf else v for v in values] for _, values in cases]
    found = browser.ask("board/columns", "columns", code, plain, tmp_path)
    assert found == [kind for kind, _ in cases]


def test_uniform_draws_lie_on_a_linear_axis_and_draws_over_powers_on_a_logarithmic_one():
    rng = random.Random(0)
    assert Column("param.x", [rng.uniform(0.001, 0.6) for _ in range(200)]).scale.log is False
    assert Column("param.x", [10 ** rng.uniform(-3, 0) for _ in range(200)]).scale.log is True


def test_colors_go_by_the_order_in_which_values_first_ran(tmp_path):
    runs = Runs.of_table(optimizers(tmp_path)).of()
    assert runs.columns["param.optimizer"].distinct == ["adam", "momentum", "sgd"]
    assert runs.colors_of("param.optimizer") == [2, 1, 0]
    assert runs.colors_of("param.rate") == [0, 1, 2, 3]


def drawn(tmp_path, **given):
    """The axes of the picture of an executed copy."""
    from matplotlib.figure import Figure

    runs = Runs.of_table(optimizers(tmp_path)).of()
    ax = Figure().subplots()
    found = views.explain(runs, {"view": "effect", **given})
    picture.DRAW["effect"](ax, runs, found)
    return ax


def test_the_still_picture_has_the_colors_of_a_figure_that_draws_one_after_the_other(tmp_path):
    ax = drawn(tmp_path, x="param.rate", group="param.optimizer")
    lines = {line.get_label().split(" ")[0]: line for line in ax.lines}
    for name, color in zip(("sgd", "momentum", "adam"), figures.COLORS, strict=False):
        assert lines[name].get_color() == color
    assert ax.get_xscale() == "log"
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[0.3]]


def test_the_still_picture_joins_no_categories(tmp_path):
    ax = drawn(tmp_path, x="param.optimizer", group="")
    assert {line.get_linestyle() for line in ax.lines} == {"None"}
    spreads = [path.vertices for each in ax.collections for path in each.get_paths()]
    assert all(np.ptp(vertices[:, 0]) == 0 for vertices in spreads), "a bar each, no band"


DRAWING = """
const recorder = () => { // a canvas that notes its lines
  let at = null;
  const noted = {
    pieces: [],
    measureText: (text) => ({ width: 6 * text.length }),
    moveTo: (...to) => { at = to; },
    lineTo: (...to) => { noted.pieces.push([...at, ...to, noted.strokeStyle]); at = to; },
  };
  return new Proxy(noted, { get: (_, name) => noted[name] ?? (() => {}) });
};
const LOOK = { ink: "ink", grid: "grid", bad: "bad", paper: "paper", colors: ["c0", "c1", "c2"] };
const answer = ([payload, cases]) => cases.map((given) => {
  const table = new js.Table(js.unpack(payload), null);
  const found = js.explain(table, given);
  const g = { ...LOOK, context: recorder(), width: 800, height: 400 };
  const { marks, legend } = js.DRAW[found.settings.view](g, table, found);
  const joins = ([a, , x, , color]) => color.startsWith("c") && Math.abs(a - x) > 50;
  return {
    joined: g.context.pieces.filter(joins).length,
    failed: marks.filter(({ y }) => y > 330).map(({ text }) => text?.() ?? "run"),
    colors: legend.entries.map(({ label, style }) => [label, style.color]),
  };
});
"""


def test_the_page_joins_numbers_but_no_categories_and_shows_what_failed(tmp_path):
    payload = Runs.of_table(optimizers(tmp_path / "runs")).payload
    cases = [
        {"view": "effect", "x": "param.rate", "group": "param.optimizer"},
        {"view": "effect", "x": "param.optimizer", "group": ""},
    ]
    numbers, names = browser.ask(SCRIPT, "js", DRAWING, [payload, cases], tmp_path)
    assert numbers["joined"] == 3 + 3 + 2
    assert names["joined"] == 0
    assert numbers["failed"] == ["run", "rate 0.3, optimizer adam: no result, 1 failed"]
    assert numbers["colors"] == [["adam", "c2"], ["momentum", "c1"], ["sgd", "c0"]]


CELL = """
const answer = () => {
  const said = [];
  const measureText = () => ({ width: 1 });
  const context = { fillText: (text) => said.push(text), fillRect() {}, measureText };
  js.drawCell({ context }, { n: 3, mean: 0.5, failed: 2 }, 0.5, 0, 0, 80, 34);
  return said;
};
"""


def test_a_low_cell_of_the_heat_map_shows_that_runs_failed(tmp_path):
    assert browser.ask("board/heatmap", "js", CELL, None, tmp_path) == ["0.5", "✕ 2"]
