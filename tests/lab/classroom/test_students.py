"""Student copies: no solution and no verdict in them, and nothing that a student wrote is lost."""

import json
import os
import re
from pathlib import Path

import nbclient
import nbformat
import pytest
from helpers import call

from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.classroom import students
from labkit.lab.classroom.students import ClassError
from labkit.lab.lesson import tags
from labkit.lab.standing import CHECK, tasks
from labkit.learn.claims import read_ledger
from labkit.learn.shown import claims_in

LESSONS = lessons.read_all()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)


def sources(content, *, without=()):
    return [cell["source"] for cell in content["cells"] if cell.get("id") not in without]


def lines_of(code):
    """Return the lines of a solution that say something, spaces aside."""
    lines = ["".join(line.split("#")[0].split()) for line in code.splitlines()]
    return [
        line for line in lines if len(line) > 12 and not line.startswith(("def", "import", "from"))
    ]


@each_lesson
def test_no_solution_is_left_in_a_copy(lesson):
    given = students.solutions(lesson.content)
    checks = [n for cell in lesson.content["cells"] for n in CHECK.findall(cell["source"])]
    assert len(given) >= len(set(checks)) > 0  # there was something to take out
    stripped = students.stripped(lesson.content)
    told = "\n".join(sources(stripped))
    assert "<summary>Solution" not in told
    kept = {"".join(line.split("#")[0].split()) for line in told.splitlines()}
    others = {
        "".join(line.split("#")[0].split())
        for cell in lesson.content["cells"]
        if "solution" not in tags(cell)
        for line in cell["source"].splitlines()
    }
    for code in given:
        assert code.strip() not in told
        # A line that the lesson has elsewhere, too, is no secret; any other must be gone.
        assert [line for line in lines_of(code) if line in kept - others] == []


@each_lesson
def test_stubs_checks_hints_and_predictions_stay(lesson):
    stripped = students.stripped(lesson.content)
    for tag in ("exercise", "check", "predict", "explorer", "answer", "record", "parameters"):
        before = [c for c in lesson.content["cells"] if tag in tags(c)]
        after = [c for c in stripped["cells"] if tag in tags(c)]
        after = [c for c in after if not c["source"].startswith("**Your verdict**")]
        assert [c["id"] for c in after] == [c["id"] for c in before]
        assert [c["metadata"] for c in after] == [c["metadata"] for c in before]
        if tag in ("exercise", "check", "predict"):
            assert [c["source"] for c in after] == [c["source"] for c in before]
    hints = [c for c in stripped["cells"] if "solution" in tags(c)]
    assert all("<summary>Hint" in cell["source"] for cell in hints)
    assert tasks(lesson) == tasks(type("Stripped", (), {"content": stripped}))
    assert all(not cell.get("outputs") for cell in stripped["cells"])


@each_lesson
def test_a_copy_asks_for_the_verdicts_of_its_claims(lesson):
    ledger = {row["id"]: row for row in read_ledger()}
    stripped = students.stripped(lesson.content)
    told = "\n".join(sources(stripped))
    shows = re.search(r"^from labkit\.lab import .*\bclaim", "\n".join(lesson.code), re.MULTILINE)
    assert ("from labkit.learn.asked import claim, claim_table" in told) == bool(shows)
    assert not re.search(r"^from labkit\.lab import .*\bclaim", told, re.MULTILINE)
    ids = {id for code in lesson.code for id, _ in claims_in(code) if id in ledger}
    for id in ids:
        why = ledger[id]["why"]
        assert len(why) < 20 or why not in told
    single = [c for c in lesson.content["cells"] if re.search(r"\bclaim\(", c["source"])]
    single = [cell["id"] for cell in single if cell["cell_type"] == "code"]
    asked = [c["id"] for c in stripped["cells"] if c["source"].startswith("**Your verdict**")]
    assert asked == [f"{id}-verdict" for id in single]


def test_a_verdict_that_the_text_goes_on_to_is_cut():
    told = "\n".join(sources(students.stripped(lessons.read("01").content)))
    assert "This one holds" in "\n".join(sources(lessons.read("01").content))
    assert "This one holds" not in told


@pytest.fixture
def out(tmp_path):
    students.make(tmp_path / "class", ["00", "01"], run=False, tell=lambda text: None)
    return tmp_path / "class"


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_answer(path, id, text):
    notebook = cells_of(path)
    next(c for c in notebook["cells"] if c["id"] == id)["source"] = text.splitlines(True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def test_the_folder_is_a_lab_of_its_own(out, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_HOME", str(out))
    monkeypatch.delenv("LABKIT_LEARNER", raising=False)
    assert list(places.lesson_files()) == ["00", "01"]
    told = call("list").stdout
    assert "Gradient descent" in told
    assert "Loss functions" not in told
    call("reset", "01", "update")
    copy = out / "learner" / "01_gradient_descent.ipynb"
    assert "<summary>Solution" not in copy.read_text(encoding="utf-8")
    assert "0 of 4" in call("progress").stdout


def test_links_lead_to_lessons_of_the_folder_only(out):
    first = lessons.content(out / "notebooks" / "01_gradient_descent.ipynb")["cells"][0]["source"]
    assert "00_start_here.ipynb" in first
    assert "02_loss_functions.ipynb" not in first
    index = lessons.content(out / "notebooks" / "index.ipynb")["cells"][0]["source"]
    assert "02_loss_functions.ipynb" not in index


def test_the_page_for_students_names_lessons_and_says_what_is_kept(out):
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "2 lessons" in text
    assert "learner/progress.jsonl" in text
    assert "sent nowhere" in text


@pytest.mark.parametrize("name", ["thesis.txt", "notebooks"])
def test_a_folder_that_holds_something_else_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    told = call("class", "make", tmp_path, "00", "--no-run", code=2).stderr
    assert "holds something else" in told
    assert os.listdir(tmp_path) == [name]


def test_a_file_and_the_lab_itself_are_refused(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ClassError, match="is a file"):
        students.make(tmp_path / "file", ["00"], run=False)
    with pytest.raises(ClassError, match="is the lab itself"):
        students.make(places.home(), ["00"], run=False)


def test_student_copies_are_not_made_from_student_copies(out, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_HOME", str(out))
    with pytest.raises(ClassError, match="holds student copies itself"):
        students.make(tmp_path / "again", ["00"], run=False)


def test_an_unknown_lesson_is_refused_before_anything_is_written(tmp_path):
    told = call("class", "make", tmp_path / "class", "77", "--no-run", code=2).stderr
    assert "no lesson '77'" in told
    assert not (tmp_path / "class").exists()


def test_a_second_call_loses_nothing_that_a_student_wrote(out):
    path = out / "notebooks" / "01_gradient_descent.ipynb"
    mine = "def my_update(w, gradient, learning_rate):\n    return 42"
    write_answer(path, "exercise-update", mine)
    (out / "learner").mkdir()
    (out / "learner" / "progress.jsonl").write_text("{}", encoding="utf-8")
    (out / "my notes.txt").write_text("x", encoding="utf-8")
    told = []
    # Another lesson in the folder changes the links of this one: it is a new version.
    students.make(out, ["02"], run=False, tell=told.append)
    here = {cell["id"]: "".join(cell["source"]) for cell in cells_of(path)["cells"]}
    assert here["exercise-update"] == mine
    assert "02_loss_functions.ipynb" in path.read_text(encoding="utf-8")
    assert any("1 cell of yours is carried into the new version" in text for text in told)
    assert any("learner, my notes.txt" in text for text in told)
    kept = list((out / "notebooks" / "old").glob("01_gradient_descent.*.ipynb"))
    assert len(kept) == 1
    assert "return 42" in kept[0].read_text(encoding="utf-8")
    assert (out / "learner" / "progress.jsonl").read_text(encoding="utf-8") == "{}"
    assert set(places_of(out)) == {"00", "01", "02"}


def places_of(out):
    return sorted(path.name[:2] for path in (out / "notebooks").glob("[0-9]*.ipynb"))


def test_without_a_run_nothing_is_proven_and_that_is_said(tmp_path):
    result = call("class", "make", tmp_path / "class", "00", "--no-run")
    assert "that they run is not proven" in result.stderr
    assert "written, not run" in result.stdout


@pytest.mark.slow
def test_copies_run_on_the_labs_own_functions(tmp_path):
    cells = []
    made = students.make(
        tmp_path / "class", ["00", "01", "90"], on_cell=lambda lesson, at, of: cells.append(at)
    )
    assert [(copy.lesson.number, copy.ran, copy.told) for copy in made] == [
        ("00", True, ""),
        ("01", True, ""),
        ("90", True, ""),
    ]
    assert len(cells) > 100


@pytest.mark.slow
def test_a_copy_that_does_not_run_is_told_by_name(tmp_path, lab):
    stub = ("def my_f(x):\n    return ...", "exercise")
    lab.lesson(stub, "1 / 0", title="# 98 · Trial\n\n**Before it:** nothing.")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("| a |\n")]),
                   lab.home / "notebooks" / "index.ipynb")  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(), lab.home / "notebooks" / "glossary.ipynb")
    (lab.home / "data").mkdir()
    (lab.home / "data" / "glossary.csv").write_text("term,chinese,meaning\n", encoding="utf-8")
    result = call("class", "make", tmp_path / "copies", code=1)
    assert "DOES NOT RUN" in result.stdout
    assert "division by zero" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("w - learning_rate * gradient", "right"),
        ("w + learning_rate * gradient", "sign of the gradient"),
    ],
)
def test_checks_and_progress_work_in_a_copy(out, monkeypatch, answer, kind):
    learner = out / "learner"
    monkeypatch.setenv("LABKIT_HOME", str(out))
    monkeypatch.setenv("LABKIT_LEARNER", str(learner))
    notebook = nbformat.read(out / "notebooks" / "01_gradient_descent.ipynb", as_version=4)
    ids = [cell.id for cell in notebook.cells]
    notebook.cells = notebook.cells[: ids.index("walk-verdict")]
    stub = next(cell for cell in notebook.cells if cell.id == "exercise-update")
    stub.source = stub.source.replace("...", answer)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    lines = [json.loads(x) for x in Path(learner, "progress.jsonl").read_text().splitlines()]
    assert [(x["name"], x["kind"]) for x in lines if x["what"] == "check"] == [("update", kind)]
    shown = str(notebook.cells[-1].outputs)
    assert "Your verdict" in shown
    assert "A2-GD-04" in shown
    assert next(r for r in read_ledger() if r["id"] == "A2-GD-04")["why"] not in shown
