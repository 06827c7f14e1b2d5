"""What a running sweep shows, and that it shows it while it runs."""

import os
import pty
import re
import select
import shutil
import socket
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from rich.console import Console

from labkit.lab import lesson as lessons
from labkit.lab.records.entry import Record
from labkit.lab.runs import runner
from labkit.lab.sweeps import shown as live
from labkit.lab.sweeps import watch

pytestmark = pytest.mark.alone

ME = {
    "host": socket.gethostname(),
    "pid": os.getpid(),
    "created": psutil.Process().create_time(),
}
GONE = ME | {"created": 1.0}
LOSS = {"loss": {"step": [1, 2, 3], "value": [4, 2, 1]}}


@pytest.fixture
def sweep(lab):
    return FakeSweep(lab)


class FakeSweep:
    """A plan of runs r0, r1, ... of lesson 98, and the records that a runner would leave."""

    def __init__(self, lab):
        self.lab, self.place = lab, lab.runs / "98_trial"
        self.plan = self.planned(4)

    def planned(self, count, done=(), **parameters):
        points = [
            SimpleNamespace(run_id=f"r{i}", parameters={"rate": i / 10, "units": 8} | parameters)
            for i in range(count)
        ]
        done = {r: Record("98", r, "finished", results={"loss": 0.9}) for r in done}
        return SimpleNamespace(
            lesson=SimpleNamespace(name="98_trial"),
            points=points,
            done=done,
            names=("rate", "units", *parameters),
            place=self.place,
            seconds=None,
        )

    def end(self, run_id, status="finished", **content):
        """Let a run end as the runner does: staged under another name, then renamed."""
        staged = self.stage(run_id, status=status, **content)
        final = self.place / (run_id + ("" if status == "finished" else f".{status}"))
        shutil.rmtree(final, ignore_errors=True)
        staged.rename(final)

    def stage(self, run_id, **content):
        content = {"schema": 2, "status": "running", "process": ME, "results": {}} | content
        return self.lab.record(run_id, folder=f".{run_id}-01234567", **content).parent

    def watch(self):
        return watch.Watched(self.plan)


def look(watched):
    return watched.look()[0]


# --- what is seen -----------------------------------------------------------------------------


def test_nothing_has_started_yet(sweep):
    now = look(sweep.watch())
    assert now.words == "0 of 4 runs · 0:00"
    assert now.running + now.latest + now.best == []


def test_a_running_run_tells_where_it_is(sweep):
    watched = sweep.watch()
    sweep.stage("r1", curves=LOSS, progress={"cell": 2, "cells": 9})
    (row,) = look(watched).running
    assert row.parameters == {"rate": "0.1"}, "units do not differ"
    assert row.place == "cell 3/9 step 3"
    assert row.curves == {"loss": [4, 2, 1]}


def test_a_running_record_is_read_again_when_it_changes(sweep):
    watched = sweep.watch()
    folder = sweep.stage("r1", progress={"cell": 0, "cells": 9})
    assert look(watched).running[0].place == "cell 1/9"
    sweep.stage("r1", progress={"cell": 1, "cells": 9})
    os.utime(folder / "record.json", ns=(1, 1))
    assert look(watched).running[0].place == "cell 2/9"


def test_each_ended_run_is_told_once(sweep):
    watched = sweep.watch()
    sweep.end("r0", results={"loss": 0.5})
    sweep.end("r1", status="failed", error={"kind": "timeout", "message": "cell 3 `x`: too slow"})
    now, new = watched.look()
    assert sorted((row.run_id, row.result) for row in new) == [
        ("r0", "0.5"),
        ("r1", "timeout: too slow"),
    ]
    assert now.words.startswith("2 of 4 runs · 1 failed · 1 finished · ")
    assert watched.look()[1] == []


def test_what_lay_there_before_does_not_count_until_it_is_run_again(sweep):
    sweep.plan = sweep.planned(3, done=["r0"])
    sweep.end("r0")
    sweep.end("r1", status="failed", error={"kind": "timeout", "message": "slow"})
    watched = sweep.watch()
    assert look(watched).words == "1 of 3 runs · 1 done before · 0:00"
    sweep.end("r1", status="failed", error={"kind": "timeout", "message": "slow again"})
    assert look(watched).latest[0].cause == "timeout: slow again"
    shutil.rmtree(sweep.place / "r1.failed")
    sweep.end("r1", results={"loss": 1})
    now = look(watched)
    assert now.counts == {"finished": 1}
    assert now.ended == 2


def test_runs_of_others_and_of_the_dead_are_not_shown(sweep):
    watched = sweep.watch()
    sweep.stage("r1", process=GONE)
    sweep.stage("stranger")
    sweep.end("other")
    now = look(watched)
    assert (now.running, now.latest) == ([], [])


def test_a_run_of_another_machine_is_shown(sweep):
    watched = sweep.watch()
    sweep.stage("r1", process=GONE | {"host": "far-away"})
    assert [row.run_id for row in look(watched).running] == ["r1"]


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("loss", [1, 2, 3]),
        ("final_error", [1, 2, 3]),
        ("test_accuracy", [4, 3, 2]),
        ("largest_stable_rate", []),
        ("accuracy_loss", []),  # either may be meant
    ],
)
def test_the_best_are_those_that_the_name_calls_so(sweep, name, best):
    watched = sweep.watch()
    for i, value in enumerate([3, 1, 4, 2]):
        sweep.end(f"r{i}", results={name: value})
    assert [row.value for row in look(watched).best] == best


def test_runs_that_were_done_before_may_be_the_best(sweep):
    sweep.plan = sweep.planned(2, done=["r0"])
    watched = sweep.watch()
    sweep.end("r1", results={"loss": "nan"})
    assert [row.run_id for row in look(watched).best] == ["r0"]


def test_the_time_left_comes_from_the_plan_then_from_the_pace(sweep, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock.now)
    sweep.plan.seconds = 60
    watched = sweep.watch()
    clock.now += 20  # slow to start
    assert look(watched).left == 40
    for i in range(3):
        sweep.end(f"r{i}")
        clock.now += 2
        now = look(watched)
    assert now.left == pytest.approx(2)
    assert now.words.endswith(" · 30 runs/min · 0:26 · about 0:02 left")


# --- plain lines ------------------------------------------------------------------------------


def test_where_there_is_no_terminal_each_ended_run_is_a_line(sweep, capsys):
    with live.view(sweep.plan) as view:
        for i in range(4):
            sweep.stage(f"r{i}")
            for _ in range(50):
                view.update()
            sweep.end(f"r{i}", results={"loss": i / 2})
            view.update()
    told = capsys.readouterr()
    first, *lines, last = told.err.splitlines()
    assert told.out == ""
    assert first == "98_trial: 0 of 4 runs · 0:00"
    assert lines == [
        f"{i + 1}/4  finished  1.5 s  rate={i / 10:.4g}  loss = {i / 2:.4g}" for i in range(4)
    ]
    assert last.startswith("98_trial: 4 of 4 runs · 4 finished")


def test_a_line_is_one_line_whatever_stands_in_it(sweep, capsys):
    sweep.plan = sweep.planned(2)
    sweep.plan.points[1].parameters["units"] = "a\n\x1b[31mred\r[bold]"
    with live.view(sweep.plan):
        message = "cell 1 `x`: " + "very\nlong \x07" * 1000
        sweep.end("r1", status="failed", error={"kind": "cell error", "message": message})
    line = capsys.readouterr().err.splitlines()[1]
    assert "units=a �[31mred [bold]" in line
    assert "cell error: very long �very" in line
    assert len(line) < 500


def test_a_folder_out_of_reach_for_a_moment_does_not_end_it(sweep, capsys, monkeypatch):
    def fails(place):
        raise PermissionError(13, "Permission denied")

    with live.view(sweep.plan) as view:
        sweep.end("r0")
        monkeypatch.setattr(watch.os, "scandir", fails)
        view.update()
        monkeypatch.undo()
        view.update()
    assert "1/4  finished" in capsys.readouterr().err


def test_two_who_wait_share_one_view(sweep, capsys):
    view = live.view(sweep.plan)
    with view:
        with view:
            sweep.end("r0")
        assert len(capsys.readouterr().err.splitlines()) == 2, "begin and r0; no end yet"
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- the terminal -----------------------------------------------------------------------------


def screen(now, width=120, height=30) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(live.in_terminal(now, height, width))
    return captured.get().splitlines()


def test_the_terminal_shows_bar_running_latest_and_best(sweep):
    watched = sweep.watch()
    sweep.end("r0", results={"loss": 0.25})
    sweep.stage("r1", curves=LOSS, progress={"cell": 2, "cells": 9})
    head, bar, headings, *rows = screen(look(watched))
    assert head.startswith("98_trial  1 of 4 runs · 1 finished · 1 running")
    assert set(bar) <= set("━╸╺ ")
    assert headings.split() == ["rate", "at", "curve", "loss"]
    assert [row.split() for row in rows] == [
        ["running"],
        ["▶", "0.1", "cell", "3/9", "step", "3", "loss", "█▃▁", "1"],
        ["latest"],
        ["✓", "0", "1.5", "s", "0.25"],
        ["best"],
        ["✓", "0", "1.5", "s", "0.25"],
    ]


@pytest.mark.parametrize(("width", "height"), [(160, 50), (120, 24), (80, 24), (60, 12)])
def test_it_fits_the_screen_however_much_there_is_to_show(sweep, width, height):
    sweep.plan = sweep.planned(60)
    sweep.plan.points[3].parameters["units"] = "x" * 500
    watched = sweep.watch()
    for i in range(20):
        sweep.stage(f"r{i}", curves=LOSS)
    for i in range(20, 40):
        error = {"kind": "cell error", "message": "too long to be shown " * 30}
        sweep.end(f"r{i}", status="failed", error=error)
    for i in range(40, 60):
        sweep.end(f"r{i}", results={"loss": i})
    lines = screen(look(watched), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    for part in ("running", "latest", "best"):
        assert any(line.strip().startswith(part) for line in lines), part
    # The signs and the result are the last to go.
    assert any(re.match(r"✓ .* 40\s*$", line) for line in lines)


def test_markup_in_a_parameter_is_shown_as_it_is(sweep):
    sweep.plan.points[0].parameters["units"] = "[red]x[/red]"
    watched = sweep.watch()
    sweep.end("r0")
    assert any("[red]x[/red]" in line for line in screen(look(watched)))


# --- the page ---------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Checks that every tag is closed where it was opened, and collects attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.found.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_shows_bar_and_curves_and_takes_texts_as_texts(sweep):
    sweep.plan.points[1].parameters["units"] = "<script>alert(1)</script>"
    watched = sweep.watch()
    sweep.stage("r1", curves=LOSS)
    error = {"kind": "cell error", "message": "<img src=x>"}
    sweep.end("r0", status="failed", error=error)
    page = live.in_page(look(watched))
    tags = Tags(page)
    bar = next(each for tag, each in tags.found if each.get("role") == "progressbar")
    assert (bar["aria-valuenow"], bar["aria-valuemax"]) == ("1", "4")
    words = [each["aria-label"] for tag, each in tags.found if tag == "svg"]
    assert words == ["loss, now 1"]
    assert not {"script", "img"} & {tag for tag, _ in tags.found}
    assert "&lt;img src=x&gt;" in page


# --- with real kernels ------------------------------------------------------------------------

WAIT = """
import pathlib, time
def wait_for(name):
    deadline = time.monotonic() + 60
    while not pathlib.Path({folder!r}, name).exists():
        assert time.monotonic() < deadline, f"nobody saw it: {{name}}"
        time.sleep(0.02)
"""


@pytest.mark.slow
def test_points_and_results_arrive_before_the_cell_that_makes_them_ends(lab, tmp_path):
    """The cell goes on only when its points have been seen outside, and so with its result."""
    cell = "\n".join(
        [
            WAIT.format(folder=str(tmp_path)),
            "from labkit.lab import log, record",
            "log('98', 1, loss=4)",
            "wait_for('first')",
            "time.sleep(0.3)",
            "log('98', 2, loss=2)",
            "wait_for('second')",
            "record('98', answer=42)",
            "wait_for('result')",
            "for epoch in range(3, 100): log('98', epoch, loss=1 / epoch)",
        ]
    )
    lab.lesson(cell)
    seen = []

    def on_record(payload):
        steps = payload.get("curves", {}).get("loss", {}).get("step", [])
        seen.append(steps or payload["results"])
        for found, name in [(steps == [1], "first"), (steps == [1, 2], "second")]:
            if found:
                (tmp_path / name).touch()
        if "results" in payload:
            (tmp_path / "result").touch()

    run = runner.run("98", on_record=on_record)
    assert run.ok, run
    assert seen[:3] == [[1], [1, 2], {"answer": 42}]
    assert len(seen) < 20, "97 points in a moment are a few pictures"
    assert run.curves["loss"]["step"] == list(range(1, 100))
    assert run.results == {"answer": 42}


@pytest.mark.slow
def test_a_run_is_watched_from_outside_while_it_goes(lab, tmp_path):
    """Whoever reads the results folder sees step and curve while the cell is running."""
    wait = WAIT.format(folder=str(tmp_path))
    lines = ["from labkit.lab import log", "log('98', 1, loss=4)", "wait_for('seen')"]
    path = lab.lesson("\n".join([wait, *lines]))
    values = {"rate": 0.1}
    point = SimpleNamespace(parameters=values, run_id=lessons.read(path).identity(values))
    place = lab.runs / "98_trial"
    plan = SimpleNamespace(
        lesson=SimpleNamespace(name="98_trial"),
        points=[point],
        done={},
        names=(),
        place=place,
        seconds=None,
    )
    watched = watch.Watched(plan)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(runner.run("98")))
    thread.start()
    rows, deadline = [], time.monotonic() + 60
    while thread.is_alive() and time.monotonic() < deadline:
        rows += look(watched).running
        if rows and rows[-1].curves:
            (tmp_path / "seen").touch()
            break
        time.sleep(0.05)
    thread.join()
    assert rows[-1].curves == {"loss": [4]}
    assert rows[-1].place == "cell 3/3 step 1"
    assert ended[0].ok, ended
    assert look(watched).words.startswith("1 of 1 runs · 1 finished")


TRAINS = """
from labkit.lab import log, record

for epoch in range(1, 6): log("98", epoch, loss=rate / epoch)
record("98", loss=rate)
"""
SWEEP = "from labkit.lab import sweep\nended = sweep('98', {'rate': [0.1, 0.2, 0.3]})"


@pytest.mark.slow
def test_a_sweep_in_a_terminal_fills_its_table(lab):
    lab.lesson(TRAINS)
    code = f"{SWEEP}\nassert ended.ok"
    text = in_terminal([sys.executable, "-c", code], width=110, height=30)
    assert "\x1b[" in text, "it renews itself in place"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "3 of 3 runs · 3 finished" in plain
    last = plain[plain.rindex("3 of 3 runs") :]
    assert re.search(r"✓\s+0\.1\s.*█.*0\.1\s", last)
    assert last.index("best") < last.rindex("0.3"), "the best three, lowest loss first"


def in_terminal(command, width, height) -> str:
    """Run a command in a terminal of its own; return all that it wrote there."""
    process, screen = pty.fork()
    if process == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(width), "LINES": str(height)}
        os.execv(command[0], command)
    text, deadline = b"", time.monotonic() + 120
    while time.monotonic() < deadline and select.select([screen], [], [], 120)[0]:
        try:
            text += os.read(screen, 10_000)
        except OSError:  # the other end is closed
            break
    os.close(screen)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, text.decode()
    return text.decode()


@pytest.mark.slow
@pytest.mark.parametrize("headless", [True, False])
def test_a_sweep_in_a_notebook_leaves_its_last_state(lab, headless):
    """While it goes there is a widget, where somebody watches; what stays needs no kernel."""
    import nbformat
    from nbclient import NotebookClient

    lab.lesson(TRAINS)
    outer = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SWEEP)])
    environment = os.environ | ({"LABKIT_HEADLESS": "1"} if headless else {})
    shown = []

    class Client(NotebookClient):
        def process_message(self, msg, cell, index):
            shown.append(set(msg["content"].get("data", {})))
            return super().process_message(msg, cell, index)

    client = Client(outer, timeout=120, resources={"metadata": {"path": str(lab.home)}})
    client.execute(env=environment)
    (output,) = outer.cells[0].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith("98_trial: 3 of 3 runs · 3 finished")
    assert "<svg" in output.data["text/html"]
    widgets = [data for data in shown if "application/vnd.jupyter.widget-view+json" in data]
    assert bool(widgets) != headless


def test_the_view_suits_the_place(sweep, monkeypatch):
    assert isinstance(live.view(sweep.plan), live._AsLines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(live.view(sweep.plan), live._InTerminal)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(live.view(sweep.plan), live._AsLines)
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    assert isinstance(live.view(sweep.plan), live._InNotebook)
    assert live.view(sweep.plan, Path("elsewhere")).watched.place == Path("elsewhere/98_trial")
