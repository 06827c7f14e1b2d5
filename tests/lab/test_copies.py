"""A learner's copies: made, carried into new versions of a lesson, and reset, with nothing lost."""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from helpers import call
from nbformat.v4 import new_code_cell, new_markdown_cell

from labkit.lab import copies, places
from labkit.lab import lesson as lessons

STUB = ("def my_update(w):\n    return ...", "exercise")
CHECK = ("update = exercise.update.use(my_update)", "check")
ANSWER = "def my_update(w):\n    return w - 1"
DATED = r"98_trial\.20\d\d-\d\d-\d\d_\d{6}(_\d)?\.ipynb"


@pytest.fixture
def lesson(lab):
    return lab.lesson("x = 1", STUB, CHECK, "y = 2")


@pytest.fixture
def copy(lab):
    return lab.home / "learner" / "98_trial.ipynb"


def edit(path, **sources):
    """Change cells by id (_ for -), as the learner or the lesson's author would."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = sources.get(cell.id.replace("-", "_"), cell.source)
    nbformat.write(notebook, path)


def insert(path, at, cell):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(at, cell)
    nbformat.write(notebook, path)


def delete(path, id):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id != id]
    nbformat.write(notebook, path)


def sources(path):
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def opened(lesson):
    """Open the copy; return what was told."""
    told = []
    copies.open_copy(lesson, told.append)
    return told


def old(lab):
    folder = lab.home / "learner" / "old"
    return sorted(folder.iterdir()) if folder.exists() else []


# --- made ---------------------------------------------------------------------------------------


def test_a_copy_is_the_lesson_with_what_the_kernel_says_of_itself(lesson, copy):
    before = lesson.read_bytes()
    assert opened(lesson) == []
    assert sources(copy) == sources(lesson)
    made = nbformat.read(copy, as_version=4)
    nbformat.validate(made)
    assert made.metadata.kernelspec == {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    assert made.metadata.language_info.file_extension == ".py"
    assert lesson.read_bytes() == before


def test_index_glossary_and_all_lessons_are_copied_beside_it():
    told = []
    copies.open_copy(places.lesson_file("04"), told.append)
    names = {path.name for path in places.learner_folder().glob("*.ipynb")}
    lab = {path.name for path in places.lesson_files().values()}
    assert names == lab | {"index.ipynb", "glossary.ipynb"}
    for name in names:
        text = (places.learner_folder() / name).read_text(encoding="utf-8")
        links = re.findall(r"\]\((\w+\.ipynb)", text)
        assert set(links) <= names


def test_opening_again_changes_nothing(lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER)
    before = copy.read_bytes()
    assert opened(lesson) == []
    assert copy.read_bytes() == before


def test_a_lesson_that_cannot_be_read_does_not_keep_the_others_away(lab, lesson, copy):
    (lab.home / "notebooks" / "97_bad.ipynb").write_text("not a notebook")
    (told,) = opened(lesson)
    assert told.startswith("Left out: ")
    assert "97_bad.ipynb is not a readable notebook" in told
    assert copy.exists()


# --- carried into a new version -----------------------------------------------------------------


def test_an_untouched_copy_follows_the_lesson_in_silence(lab, lesson, copy):
    opened(lesson)
    edit(lesson, c0="x = 3")
    assert opened(lesson) == []
    assert sources(copy) == sources(lesson)
    assert old(lab) == []


def test_answers_go_along_and_added_cells_stay_where_they_were(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER, c3="y = 2  # I see")
    insert(copy, 4, new_code_cell("my_update(3)", id="mine"))
    insert(copy, 5, new_markdown_cell("My note.", id="note"))
    insert(copy, 9, new_code_cell("  ", id="blank"))
    edit(lesson, title="# 98 · Trial, better", c0="x = 3")
    insert(lesson, 3, new_markdown_cell("New text.", id="new"))
    before = copy.read_bytes()
    (told,) = opened(lesson)
    assert list(sources(copy)) == [
        *("title", "parameters", "c0", "new", "c1", "mine", "note", "c2", "c3"),
    ]
    found = sources(copy)
    assert found["title"] == "# 98 · Trial, better"
    assert found["c0"] == "x = 3"
    assert found["c1"] == ANSWER
    assert found["c3"] == "y = 2  # I see"
    nbformat.validate(nbformat.read(copy, as_version=4))
    (kept,) = old(lab)
    assert re.fullmatch(DATED, kept.name)
    assert kept.read_bytes() == before
    assert told == (
        "98_trial has changed. 4 cells of yours are carried into the new version. "
        f"Your old copy is {kept}"
    )
    assert opened(lesson) == [], "once"


def test_an_answer_goes_along_when_its_stub_has_changed_but_not_its_name(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=f"import math\n\n\n{ANSWER}")
    edit(lesson, c1="def my_update(w):\n    # say more\n    return ...")
    assert "1 cell of yours is carried" in opened(lesson)[0]
    assert sources(copy)["c1"] == f"import math\n\n\n{ANSWER}"


@pytest.mark.parametrize(
    "changed", [{"c1": "def my_other(w):\n    return ..."}, {"c3": "y = 5"}], ids=["stub", "code"]
)
def test_what_cannot_go_along_is_kept_and_named(lab, lesson, copy, changed):
    opened(lesson)
    edit(copy, c1=ANSWER, c3="y = 2  # I see")
    edit(lesson, **changed)
    (told,) = opened(lesson)
    (name,) = changed
    assert f"1 cell of yours is carried into the new version; {name} could not be." in told
    assert sources(copy)[name] == changed[name]
    assert sources(old(lab)[0])["c1"] == ANSWER


def test_an_answer_whose_cell_is_gone_is_named_and_notes_move_up(lab, lesson, copy):
    opened(lesson)
    edit(copy, c3="y = 7")
    insert(copy, 6, new_markdown_cell("Behind the end.", id="note"))
    insert(copy, 0, new_markdown_cell("Above all.", id="top"))
    delete(lesson, "c3")
    assert "c3 could not be" in opened(lesson)[0]
    assert list(sources(copy)) == ["top", "title", "parameters", "c0", "c1", "c2", "note"]
    assert sources(old(lab)[0])["c3"] == "y = 7"


def test_a_copy_that_has_lost_its_marks_is_compared_with_the_lesson(lab, lesson, copy):
    opened(lesson)
    notebook = nbformat.read(copy, as_version=4)
    del notebook.metadata["labkit"]
    nbformat.write(notebook, copy)
    edit(copy, c1=ANSWER)
    opened(lesson)
    assert sources(copy)["c1"] == ANSWER
    assert len(old(lab)) == 1


def test_a_cell_that_was_split_or_copied_stays_whole(lab, lesson, copy):
    """JupyterLab gives new ids, other editors may keep the old one twice."""
    opened(lesson)
    text = json.loads(copy.read_text())
    text["cells"].insert(4, {**text["cells"][3], "source": "again = 1"})
    copy.write_text(json.dumps(text))
    edit_lesson = json.loads(lesson.read_text())
    edit_lesson["cells"][2]["source"] = "x = 9"
    lesson.write_text(json.dumps(edit_lesson))
    opened(lesson)
    found = sources(copy)
    assert list(found.values()).count("again = 1") == 1
    assert len(found) == 7


def test_a_kernel_that_the_learner_chose_stays(lesson, copy):
    opened(lesson)
    notebook = nbformat.read(copy, as_version=4)
    notebook.metadata.kernelspec = {"name": "labkit", "display_name": "L", "language": "python"}
    nbformat.write(notebook, copy)
    edit(copy, c1=ANSWER)
    edit(lesson, c0="x = 3")
    opened(lesson)
    assert nbformat.read(copy, as_version=4).metadata.kernelspec.name == "labkit"


def test_after_another_python_the_copy_says_so_and_keeps_its_answers(lesson, copy, monkeypatch):
    opened(lesson)
    edit(copy, c1=ANSWER)
    newer = copies._kernel() | {"language_info": {"name": "python", "version": "3.99"}}
    monkeypatch.setattr(copies, "_kernel", lambda: newer)
    assert opened(lesson) == []
    assert nbformat.read(copy, as_version=4).metadata.language_info.version == "3.99"
    assert sources(copy)["c1"] == ANSWER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"cells": 5, "nbformat": 4}',
        b'{"cells": [{"cell_type": "x", "source": "", "metadata": {}}], "nbformat": 4,'
        b' "metadata": {}}',
        b'{"cells": [], "nbformat": 4}',
        b"[" * 100_000,
    ],
)
def test_a_copy_that_is_no_notebook_is_kept_and_said(lab, lesson, copy, content):
    opened(lesson)
    copy.write_bytes(content)
    (told,) = opened(lesson)
    (kept,) = old(lab)
    assert "could not be read" in told
    assert str(kept) in told
    assert kept.read_bytes() == content
    assert sources(copy) == sources(lesson)


def test_a_mark_of_byte_order_does_not_make_a_copy_unreadable(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER)
    copy.write_bytes(b"\xef\xbb\xbf" + copy.read_bytes())
    assert opened(lesson) == []
    edit(lesson, c0="x = 3")
    opened(lesson)
    assert sources(copy) == sources(lesson) | {"c1": ANSWER}


def test_half_a_character_in_an_answer_goes_along(lab, lesson, copy):
    opened(lesson)
    notebook = json.loads(copy.read_text())
    answer = next(cell for cell in notebook["cells"] if cell["id"] == "c1")
    answer["source"] = [f"{ANSWER}  # \ud83d"]
    copy.write_text(json.dumps(notebook))
    edit(lesson, c0="x = 3")
    opened(lesson)
    assert sources(copy) == sources(lesson) | {"c1": f"{ANSWER}  # \ud83d"}


def test_a_picture_in_a_text_goes_along(lab, lesson, copy):
    insert(lesson, 1, new_markdown_cell("Notes", id="notes"))
    opened(lesson)
    edit(copy, notes="![](attachment:a.png)")
    notebook = json.loads(copy.read_text())
    notebook["cells"][1]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    copy.write_text(json.dumps(notebook))
    edit(lesson, c0="x = 3")
    opened(lesson)
    cell = nbformat.read(copy, as_version=4).cells[1]
    assert cell.attachments == {"a.png": {"image/png": "AAAA"}}


def test_cells_whose_ids_an_old_program_took_away_do_not_come_twice(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER)
    notebook = json.loads(copy.read_text())
    for cell in notebook["cells"]:
        del cell["id"]
    copy.write_text(json.dumps(notebook | {"nbformat_minor": 4}))
    edit(lesson, c0="x = 3")
    opened(lesson)
    assert sorted(sources(copy).values()) == sorted([*sources(lesson).values(), ANSWER])


def test_two_old_copies_of_one_second_are_both_kept(lab, lesson, copy):
    opened(lesson)
    for content in (b"first", b"second", b"third"):
        copy.write_bytes(content)
        opened(lesson)
    assert {path.read_bytes() for path in old(lab)} == {b"first", b"second", b"third"}
    assert all(re.fullmatch(DATED, path.name) for path in old(lab))


def test_two_that_keep_at_once_take_two_names(lab, lesson, copy, monkeypatch):
    """What one has kept, the other does not write over: it has read a later copy."""
    opened(lesson)
    copy.write_bytes(b"first")
    write = copies.files.write

    def after_another(path, content):
        monkeypatch.setattr(copies.files, "write", write)
        copies._keep(copy)
        write(path, content)

    monkeypatch.setattr(copies.files, "write", after_another)
    copies._keep(copy)
    assert [path.read_bytes() for path in old(lab)] == [b"first", b"first"]


# --- folders that cannot be written -------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_a_sentence(lab, lesson, monkeypatch):
    (lab.home / "file").touch()
    monkeypatch.setenv("LABKIT_LEARNER", str(lab.home / "file" / "learner"))
    told = call("open", "98", code=1).stderr
    assert "cannot be kept in" in told
    assert "Set LABKIT_LEARNER to a folder that you may write." in told


@pytest.mark.parametrize("is_link", [False, True])
def test_the_lessons_themselves_are_nobodys_copies(lab, lesson, monkeypatch, is_link):
    folder = lesson.parent
    if is_link:
        folder = lab.home / "mine"
        folder.symlink_to(lesson.parent)
    monkeypatch.setenv("LABKIT_LEARNER", str(folder))
    before = lesson.read_bytes()
    for command in ("open", "reset"):
        told = call(command, "98", code=1).stderr
        assert "is the folder of the lessons themselves. Set LABKIT_LEARNER to another" in told
    assert lesson.read_bytes() == before


def test_a_copy_that_cannot_be_replaced_is_as_it_was(lab, lesson, copy, monkeypatch):
    """The disk fills up: neither the answers nor the new version are half there."""
    opened(lesson)
    edit(copy, c1=ANSWER)
    edit(lesson, c0="x = 3")
    before = copy.read_bytes()
    replace = os.replace

    def full(source, target):
        if Path(target) == copy:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(copies.CopyError, match="No space left on device"):
        opened(lesson)
    assert copy.read_bytes() == before


# --- reset --------------------------------------------------------------------------------------


def test_a_whole_lesson_is_brought_back_and_the_answers_are_kept(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER)
    delete(copy, "c3")
    told = call("reset", "98").stderr
    (kept,) = old(lab)
    assert told == f"98_trial is as it was given. Your old answers are in {kept}\n"
    assert sources(copy) == sources(lesson)
    assert sources(kept)["c1"] == ANSWER


def test_one_exercise_is_brought_back_and_the_rest_stays(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER, c3="y = 7")
    notebook = nbformat.read(copy, as_version=4)
    output = nbformat.v4.new_output("stream", text="shown")
    notebook.cells[3].outputs = [output]
    notebook.cells[5].outputs = [output]
    nbformat.write(notebook, copy)
    told = call("reset", "98", "update").stderr
    assert "The exercise update is as it was given" in told
    assert sources(copy) == sources(lesson) | {"c3": "y = 7"}
    assert sources(old(lab)[0])["c1"] == ANSWER
    cells = nbformat.read(copy, as_version=4).cells
    assert (cells[3].outputs, len(cells[5].outputs)) == ([], 1)


def test_an_answer_beside_a_second_cell_of_its_id_is_kept(lab, lesson, copy):
    opened(lesson)
    notebook = json.loads(copy.read_text())
    [at] = [k for k, cell in enumerate(notebook["cells"]) if cell["id"] == "c1"]
    notebook["cells"].insert(at, notebook["cells"][at] | {"source": [ANSWER]})
    copy.write_text(json.dumps(notebook))
    call("reset", "98", "update")
    (kept,) = old(lab)
    assert "return w - 1" in kept.read_text()


def test_an_exercise_that_was_deleted_comes_back_in_its_place(lesson, copy):
    opened(lesson)
    delete(copy, "c1")
    call("reset", "98", "update")
    assert list(sources(copy)) == list(sources(lesson))


def test_an_unknown_exercise_is_refused_with_those_there_are(lab, lesson, copy):
    opened(lesson)
    edit(copy, c1=ANSWER)
    told = call("reset", "98", "momentum", code=2).stderr
    assert told == "Error: 98_trial has no exercise 'momentum'; there are: update\n"
    assert sources(copy)["c1"] == ANSWER
    assert old(lab) == []


def test_every_exercise_of_the_labs_own_lessons_can_be_reset():
    for number, path in places.lesson_files().items():
        found = lessons.read(path).content["cells"]
        stubs = [cell["source"] for cell in found if "exercise" in lessons.tags(cell)]
        names = re.findall(
            r"exercise\.(\w+)\.(?:check|use)",
            "".join(cell["source"] for cell in found if "check" in lessons.tags(cell)),
        )
        told = []
        for name in names[: len(stubs)]:
            copies.reset(number, name, told.append)
        assert all("as it was given" in text for text in told)
