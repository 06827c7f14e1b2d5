import json
import os

import numpy as np
import pytest

from labkit.lab import files
from labkit.lab.records import curves, kernel, shell
from labkit.lab.records.curves import Plots, log
from labkit.lab.records.entry import MIME, Expectation, Record, RecordError, merge, plain
from labkit.lab.records.kernel import expect, record


@pytest.fixture(autouse=True)
def _nothing_recorded(monkeypatch):
    monkeypatch.setattr(kernel, "_found", {})
    plots = Plots()
    for module in (curves, kernel):
        monkeypatch.setattr(module, "PLOTS", plots)


# --- record and expect ------------------------------------------------------------------------


def test_record_shows_what_it_keeps(capsys):
    record("98", accuracy=np.float32(0.5), epochs=np.int64(3), ok=np.bool_(True), sizes=(8, 16))
    shown = capsys.readouterr().out
    assert shown == "lesson 98: accuracy = 0.5, epochs = 3, ok = True, sizes = [8, 16]\n"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.array(3.5), 3.5),
        (float("nan"), "nan"),
        ([np.float64("inf"), 1], ["inf", 1]),
        (None, None),
        ("中文", "中文"),
        (2**70, 2**70),
    ],
)
def test_results_become_plain_data(value, kept):
    found = plain(value, "result x")
    assert found == kept
    assert json.loads(json.dumps(found)) == found


def test_a_tensor_that_only_offers_numpy_becomes_plain_data():
    class Tensor:
        def numpy(self):
            return np.float32(2)

    assert plain(Tensor(), "result x") == 2.0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": 1}, "result x is a dict; allowed are numbers"),
        (object(), "result x is a object"),
        (1j, "result x is a complex"),
        ([[1]], "an item of result x is a list"),
        (np.zeros((2, 2)), "an item of result x is a list"),
        ([0] * 1001, "result x has 1001 items; at most 1000"),
        ("x" * 1001, "result x has 1001 characters; at most 1000"),
    ],
)
def test_other_results_are_refused_by_name(value, reason):
    with pytest.raises(RecordError, match=reason):
        record("98", x=value)


def test_record_without_results_is_refused():
    with pytest.raises(RecordError, match="at least one named result"):
        record("98")


def test_a_refused_record_keeps_what_was_recorded_before():
    record("98", good=1)
    with pytest.raises(RecordError):
        record("98", good=2, bad={})
    expect("good", low=1, high=1, because="the first call")


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.5, 0.5, 0.5, "✓ x = 0.5, expected 0.5 to 0.5 (a reason): held"),
        (0.5, 0.6, None, "✗ x = 0.5, expected at least 0.6 (a reason): NOT HELD"),
        (0.5, None, 0.4, "✗ x = 0.5, expected at most 0.4 (a reason): NOT HELD"),
        (True, 1, 1, "✓ x = True, expected 1 to 1 (a reason): held"),
        (float("nan"), 0, None, "✗ x = nan, expected at least 0 (a reason): NOT HELD"),
        (float("inf"), 0, None, "✗ x = inf, expected at least 0 (a reason): NOT HELD"),
        (None, 0, None, "✗ x = None, expected at least 0 (a reason): NOT HELD"),
    ],
)
def test_an_expectation_says_whether_it_held(capsys, value, low, high, shown):
    record("98", x=value)
    expect("x", low, high, because="a reason")
    assert capsys.readouterr().out.splitlines()[1] == shown


def test_an_expectation_may_not_apply(capsys):
    record("98", x=1)
    expect("x", low=2, because="only by default", when=np.bool_(False))
    assert "○ x = 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"name": "y", "low": 1}, r"expect\('y'\) comes before record.*so far: .*'text', 'x'"),
        ({"name": "x"}, "needs low=, high= or both"),
        ({"name": "x", "low": 2, "high": 1}, "low=2 is above high=1"),
        ({"name": "x", "low": "2"}, "low='2' is not a finite number"),
        ({"name": "x", "high": float("nan")}, "high=nan is not a finite number"),
        ({"name": "text", "low": 1}, "is about a number, but text = abc"),
        ({"name": "many", "low": 1}, "is about a number"),
    ],
)
def test_an_expectation_that_makes_no_sense_is_refused(arguments, reason):
    record("98", x=1, text="abc", many=[1, 2])
    with pytest.raises(RecordError, match=reason):
        expect(**arguments, because="a reason")


def test_later_payloads_win_and_the_headline_stays_first():
    payloads = [
        {"results": {"first": 1, "second": 2}},
        expected("first", low=0, held=False),
        {"results": {"second": 3}},
        expected("first", low=0, held=True),  # the same once more
        expected("first", high=9, held=True),
    ]
    found, expectations, logged = merge(payloads)
    assert list(found.items()) == [("first", 1), ("second", 3)]
    assert [(e.low, e.held) for e in expectations] == [(0, True), (None, True)]
    assert logged == {}


def test_later_curves_replace_all_earlier_ones():
    growing = [{"loss": {"step": [1], "value": [3]}}, {"loss": {"step": [1, 2], "value": [3, 2]}}]
    payloads = [{"curves": growing[0]}, {"results": {"x": 1}}, {"curves": growing[1]}]
    assert merge(payloads) == ({"x": 1}, [], growing[1])


def expected(name, low=None, high=None, held=True) -> dict:
    content = {"name": name, "value": 1, "low": low, "high": high, "because": "test"}
    return {"expectation": content | {"applies": True, "held": held}}


def test_the_headline_shows_the_expectation_that_failed():
    both = [expected("x", low=0)["expectation"], expected("x", high=0, held=False)["expectation"]]
    found = Record("98", "aaa", "failed", results={"x": 1, "y": 2})
    found.expectations = [Expectation(**each) for each in both]
    assert found.headline == "x = 1 (expected at most 0)"
    assert Record("98", "aaa", "finished").headline == ""


# --- log --------------------------------------------------------------------------------------


class Screen:
    """A notebook's shell, as far as log() uses it: what was displayed, and the end of a cell."""

    def __init__(self, monkeypatch):
        from IPython.core.events import EventManager, available_events

        self.events, self.outputs = EventManager(self, available_events), []
        self.seconds, self.pictures = 0.0, 0
        monkeypatch.setenv("LABKIT_HEADLESS", "1")  # record() then writes no row
        for module in (curves, kernel, shell):
            monkeypatch.setattr(module, "shell", lambda: self)
        monkeypatch.setattr(kernel, "_live_parameters", lambda lesson: {})
        monkeypatch.setattr(curves.time, "monotonic", lambda: self.seconds)
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, bundle, raw, display_id=None):
        screen, place = self, len(self.outputs)

        class Handle:
            def update(self, bundle, raw):
                screen.pictures += 1
                screen.outputs[place] = bundle

        self.outputs.append(bundle)
        self.pictures += 1
        return Handle()

    def end_of_cell(self):
        self.events.trigger("post_run_cell", None)

    def curves(self, output=-1):
        return self.outputs[output][MIME]["curves"]


@pytest.fixture
def screen(monkeypatch):
    return Screen(monkeypatch)


def test_outside_a_notebook_each_point_is_a_line(capsys):
    log("98", 1, loss=np.float32(0.5), accuracy=0.25)
    log(98, np.int64(2), loss=float("nan"))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "lesson 98, step 1: loss = 0.5, accuracy = 0.25",
        "lesson 98, step 2: loss = nan",
    ]


@pytest.mark.parametrize(
    ("step", "metrics", "reason"),
    [
        (2, {}, r"log\(\) needs a metric"),
        (2, {"loss": "low"}, r"metric loss of log\(\) is a str; allowed are numbers"),
        (2, {"loss": True}, r"metric loss of log\(\) is a bool"),
        (2, {"loss": [1.0]}, r"metric loss of log\(\) is a list"),
        ("2", {"loss": 1}, r"the step of log\(\) is a str"),
        (float("nan"), {"loss": 1}, r"the step of log\(\) is nan"),
        (1, {"loss": 1}, "step 1 of loss does not come after step 1; .* such as loss_2"),
    ],
)
def test_a_point_that_makes_no_sense_is_refused_and_leaves_nothing(step, metrics, reason):
    log("98", 1, loss=0.5)
    with pytest.raises(RecordError, match=reason):
        log("98", step, other=1, **metrics) if metrics else log("98", step)
    assert curves.PLOTS.of("98").plain() == {"loss": {"step": [1], "value": [0.5]}}


def test_a_curve_is_one_output_that_grows(screen):
    for epoch in range(1, 5):
        log("98", epoch, loss=1 / epoch, accuracy=float("inf"))
        screen.seconds += 1
    assert len(screen.outputs) == 1
    assert screen.curves() == {
        "loss": {"step": [1, 2, 3, 4], "value": [1, 1 / 2, 1 / 3, 1 / 4]},
        "accuracy": {"step": [1, 2, 3, 4], "value": ["inf"] * 4},
    }
    assert screen.outputs[0]["text/plain"] == "lesson 98, step 4: loss = 0.25, accuracy = inf"
    assert 'aria-label="loss: from 1 to 0.25 at step 4"' in screen.outputs[0]["text/html"]


def test_fast_points_are_shown_now_and_then_and_the_last_one_at_the_end_of_the_cell(screen):
    for step in range(100):
        log("98", step, loss=step)
        screen.seconds += 0.01
    assert screen.pictures == 4  # in one second
    screen.end_of_cell()
    assert screen.curves()["loss"]["value"] == list(range(100))
    pictures = screen.pictures
    screen.end_of_cell()
    assert screen.pictures == pictures, "nothing came since"


def test_a_record_shows_the_last_point_first(screen):
    log("98", 1, loss=2)
    log("98", 2, loss=1)
    record("98", loss=1)
    assert screen.curves(0)["loss"]["step"] == [1, 2]
    assert "results" in screen.outputs[1][MIME]


def test_the_next_cell_has_its_own_output_with_all_curves(screen):
    log("98", 1, loss=2)
    screen.end_of_cell()
    screen.seconds += 1
    log("98", 1, other=3)
    log("98", 2, loss=1)
    screen.end_of_cell()
    assert [list(screen.curves(i)) for i in (0, 1)] == [["loss"], ["loss", "other"]]
    assert screen.curves()["loss"]["step"] == [1, 2]


def test_a_cell_that_is_run_again_begins_its_curves_anew(screen):
    for value in (5, 7):
        for step in (1, 2, 3):
            log("98", step, loss=value)
        screen.end_of_cell()
    assert screen.curves()["loss"] == {"step": [1, 2, 3], "value": [7, 7, 7]}


def test_of_a_long_curve_evenly_spread_points_and_the_newest_are_kept(screen):
    for step in range(100_000):
        log("98", step, loss=-step)
        if step in (1000, 1001, 4321):
            record("98", x=1)
            assert screen.curves(0)["loss"]["step"][-1] == step
    screen.end_of_cell()
    curve = screen.curves(0)["loss"]
    assert len(curve["step"]) <= 1001
    assert (curve["step"][0], curve["step"][-1]) == (0, 99_999)
    assert set(np.diff(curve["step"][:-1])) == {128}
    assert curve["value"] == [-step for step in curve["step"]]


# --- rows on disk -----------------------------------------------------------------------------


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "record.json"
    files.write_json(path, {"text": "中文 ✓", "odd": {1, 2}.__class__})
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "中文 ✓"
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        files.write_json(path, {"text": circle})
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "中文 ✓"
    files.write_json(path, {"text": "half a character: \ud83d"})
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "half a character: \ud83d"
    assert os.listdir(tmp_path) == ["record.json"]
