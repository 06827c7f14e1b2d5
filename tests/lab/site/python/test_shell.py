"""What the shell of a page posts: outputs in their best form, printed text, errors with places."""

import json
import traceback

import pytest

from labkit.lab.site.python import shell


def test_printed_text_goes_out_in_few_messages_and_whole():
    posted = []
    out = shell.Printed("stdout", posted.append)
    for number in range(1000):
        print(number, file=out)
    out.flush()
    assert "".join(message["text"] for message in posted) == "".join(f"{n}\n" for n in range(1000))
    assert len(posted) < 50


def test_a_cell_that_prints_without_end_is_cut_and_the_next_is_not():
    posted = []
    out = shell.Printed("stdout", posted.append)
    for _ in range(20):
        out.write("x" * 100_000)
    out.flush()
    text = "".join(message["text"] for message in posted)
    assert len(text) < 700_000
    assert "the rest is left out" in text
    out.begin()
    out.write("again")
    out.flush()
    assert posted[-1]["text"] == "again"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        ({"text/plain": "x", "text/html": "<b>x</b>"}, ("text/html", "<b>x</b>")),
        ({"text/plain": "x", "application/vnd.jupyter.widget-view+json": {}}, ("text/plain", "x")),
        ({"application/vnd.labkit.explorer+json": {"id": 1}, "text/html": "x"},
         ("application/vnd.labkit.explorer+json", {"id": 1})),
        ({"application/x-unknown": "x"}, ("text/plain", "")),
    ],
)  # fmt: skip
def test_the_page_shows_the_best_form(data, form):
    assert shell.best_form(data) == form


def failed(source, name):
    """Return the error of a cell's source, and its traceback."""
    try:
        exec(compile(source, name, "exec"), {})
    except Exception as error:
        return error, error.__traceback__
    raise AssertionError("it did not fail")


def test_an_error_names_cell_and_line():
    error, trace = failed("x = 1\n1 / 0", "<cell walk, run 3>")
    found = shell.told(error, trace)
    assert (found["kind"], found["message"]) == ("ZeroDivisionError", "division by zero")
    assert [(place["cell"], place["line"]) for place in found["where"]] == [("walk", 2)]


def test_a_syntax_error_names_its_line():
    error, trace = failed("x = 1\ny = = 2", "<cell my-cell, run 1>")
    (place,) = shell.told(error, trace)["where"]
    assert (place["cell"], place["line"], place["text"].strip()) == ("my-cell", 2, "y = = 2")


def test_an_error_in_the_lab_shows_all_of_its_traceback():
    error, trace = failed("import json\njson.loads('{')", "<cell a, run 1>")
    found = shell.told(error, trace)
    assert found["where"][0]["line"] == 2
    assert "decoder.py" in found["all"]
    assert traceback.format_exception_only(error)[0].strip().endswith(found["message"])


def test_an_error_that_speaks_for_itself_has_no_places():
    from labkit.lab.records.shell import LessonEndsHere

    found = shell.told(LessonEndsHere("as asked"), None)
    assert found == {"kind": "LessonEndsHere", "message": "as asked", "where": [], "all": ""}
    json.dumps(found)


def test_new_lines_of_progress_are_posted_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path / "learner"))
    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(shell, "_read", 0)
    monkeypatch.setattr(shell, "_seen", {})
    (tmp_path / "learner").mkdir()
    (tmp_path / "runs" / "01").mkdir(parents=True)
    progress = tmp_path / "learner" / "progress.jsonl"
    progress.write_text("one\n")
    record = tmp_path / "runs" / "01" / "record.json"
    record.write_text("{}")
    assert [message["type"] for message in shell._kept()] == ["progress", "file"]
    assert shell._kept() == []
    with progress.open("a") as file:
        file.write("two\n")
    record.write_text('{"a": 1}')
    assert shell._kept() == [
        {"type": "progress", "text": "two\n"},
        {"type": "file", "path": str(record), "text": '{"a": 1}'},
    ]
    record.write_text("x" * 400_000)
    assert shell._kept() == []
