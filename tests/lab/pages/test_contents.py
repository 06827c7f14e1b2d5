"""What the tool writes into lessons and index, and that both are as it would write them."""

import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.lab import lesson as lessons
from labkit.lab import places, progress, standing
from labkit.lab.pages import contents
from labkit.lab.pages.glossary import anchor, read_glossary, with_tooltips
from labkit.lab.pages.page import write_page

LESSONS = places.lesson_files()
PROMISE = (
    "# {} · Trial\n\n**Question.** Why?\n\n**Time:** about 5 minutes of joy. **Before it:** {}"
)
every_lesson = pytest.mark.parametrize("path", LESSONS.values(), ids=lambda path: path.stem)


@pytest.fixture
def three(lab):
    """Three lessons, an index and a glossary in a lab of their own."""
    for number in ("96", "97", "98"):
        title = PROMISE.format(number, "lesson 01. No GPU is needed.")
        lab.lesson("x = 1", title=title, name=f"{number}_trial")
    table = "| lesson | typed |\n| --- | --- |\n| [97 · Old](97_trial.ipynb) | Kept words. | 1 |\n"
    cell = new_markdown_cell(f"# Lessons\n\n{table}\nAfter it.", id="lessons")
    nbformat.write(new_notebook(cells=[cell]), lab.home / "notebooks" / "index.ipynb")
    (lab.home / "data").mkdir()
    (lab.home / "data" / "glossary.csv").write_text("term,chinese,meaning\nloss,损失,How wrong.\n")
    return lab.home / "notebooks"


def source(path, at=0):
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][at]["source"])


def test_links_minutes_and_table_are_written_once(three):
    assert len(contents.write_all()) == 4
    assert contents.write_all() == [], "a second time there is nothing to change"
    before, after = "← [96 · Trial](96_trial.ipynb)", "[98 · Trial](98_trial.ipynb) →"
    middle = f"{before} · [All lessons](index.ipynb) · {after}"
    first, last = source(three / "97_trial.ipynb"), source(three / "97_trial.ipynb", -1)
    assert first.splitlines()[:4] == ["# 97 · Trial", "", middle, ""]
    assert "\n\n**Time:** about 5 minutes. **Before it:** lesson 01. No GPU is needed." in first
    assert last == middle
    assert source(three / "96_trial.ipynb", -1).startswith("[All lessons](index.ipynb) · [97")
    assert source(three / "98_trial.ipynb", -1).endswith("· [All lessons](index.ipynb)")
    index = source(three / "index.ipynb")
    assert "| [96 · Trial](96_trial.ipynb) | Why? | 5 | lesson 01 |" in index
    assert "| [97 · Trial](97_trial.ipynb) | Kept words. | 5 | lesson 01 |" in index
    assert index.startswith("# Lessons\n\n| lesson |")
    assert index.endswith("|\n\nAfter it.")


def test_links_follow_when_a_lesson_comes_or_goes(three):
    contents.write_all()
    (three / "97_trial.ipynb").unlink()
    contents.write_all()
    text = source(three / "96_trial.ipynb")
    assert "97" not in text
    assert text.count("index.ipynb") == 1
    assert "[98 · Trial](98_trial.ipynb) →" in text


def test_a_lesson_that_does_not_say_what_comes_before_is_named(three, lab):
    lab.lesson("x = 1", name="95_trial", title="# 95 · Trial")
    with pytest.raises(ValueError, match=r"95_trial.ipynb: .*Before it"):
        contents.write_all()


def test_minutes_by_hand():
    """300 words, 40 lines of code, one explorer, one exercise: 2 + 2 + 3 + 5 = 12 minutes."""
    hidden = {"jupyter": {"source_hidden": True}}
    code = "x = 1\n\n" * 18
    notebook = new_notebook(
        cells=[
            new_markdown_cell("word " * 299 + '[word](glossary.ipynb#loss "损失 · (How) wrong.")'),
            new_markdown_cell("<details><summary>Hint</summary>\n" + "no " * 900 + "</details>"),
            new_markdown_cell("← [03 · Nine more words](03_a.ipynb) · [All lessons](index.ipynb)"),
            new_code_cell(code, metadata={"tags": ["explorer"]}),
            new_code_cell(code + "y = 2\n" * 4, metadata={"tags": ["exercise"]}),
            new_code_cell(code * 20, metadata=hidden | {"tags": ["solution"]}),
        ]
    )
    assert lessons.minutes(notebook.cells) == 10
    assert lessons.minutes([*notebook.cells, new_markdown_cell("word " * 120)]) == 15
    assert lessons.minutes([]) == 5


def test_prose_with_links_is_not_taken_for_the_line_of_links():
    for text in ("See [all](index.ipynb).", "- [a](01_a.ipynb)", "[a](b.html) · [c](d.ipynb)"):
        assert not lessons.NAVIGATION.search(text)


# --- the lab's own files ------------------------------------------------------------------------


@every_lesson
def test_every_lesson_is_as_the_tool_writes_it(path):
    lesson, every = lessons.read(path), lessons.read_all()
    told = "run: make contents"
    assert contents.written(lesson, every) == lesson.content["cells"], told


def test_the_index_is_as_the_tool_writes_it():
    text = source(places.home() / "notebooks" / "index.ipynb")
    assert contents.with_table(text, lessons.read_all()) == text, "run: make contents"


@every_lesson
def test_one_can_walk_from_every_lesson(path):
    """Found in another way than the tool writes it: the links of the first and the last cell."""
    order = [each.name for each in LESSONS.values()]
    at = order.index(path.name)
    wanted = [*order[max(at - 1, 0) : at], "index.ipynb", *order[at + 1 : at + 2]]
    for cell in (0, -1):
        (line,) = [each for each in source(path, cell).splitlines() if "(index.ipynb)" in each]
        assert re.findall(r"\]\((\w+\.ipynb)\)", line) == wanted


@every_lesson
def test_a_word_shows_its_meaning_when_one_points_at_it(path):
    known = {anchor(word["term"]): word for word in read_glossary()}
    text = "\n".join(cell["source"] for cell in lessons.read(path).content["cells"])
    assert "glossary.ipynb" not in re.sub(r'glossary\.ipynb#[\w-]+ "[^"]+"', "", text)
    for name, title in re.findall(r'glossary\.ipynb#([\w-]+) "([^"]+)"', text):
        assert title.startswith(known[name]["chinese"])
        assert known[name]["meaning"] in title


def test_quotes_in_a_meaning_do_not_end_it(three):
    row = 'term,chinese,meaning\nloss,损失,"A ""bad"" \\ (word)."\n'
    (three.parent / "data" / "glossary.csv").write_text(row, encoding="utf-8")
    once = with_tooltips("[Loss](glossary.ipynb#loss), [x](glossary.ipynb#none).")
    meaning = r"损失 · A \"bad\" \\ (word)."
    assert once == f'[Loss](glossary.ipynb#loss "{meaning}"), [x](glossary.ipynb#none).'
    assert with_tooltips(once) == once


def test_a_page_alone_has_no_links_between_lessons_and_shows_meanings(tmp_path):
    text = with_tooltips(
        "# A\n\n← [01 · A](01_a.ipynb) · [All lessons](index.ipynb)\n\n[loss](glossary.ipynb#logit)"
    )
    write_page(new_notebook(cells=[new_markdown_cell(text)]), tmp_path / "page.html", "A")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ".ipynb" not in page
    assert re.search(r'<a href="#word-logit" title="[^"]+">', page)


# --- the overview -------------------------------------------------------------------------------


def test_the_overview_is_plain_data_with_what_was_done(tmp_path):
    names = [name for what, name in standing.tasks(lessons.read("03")) if what == "check"]
    line = {"at": "2026-11-28T09:00:00+00:00", "lesson": "03", "what": "check", "ok": True}
    lines = [json.dumps(line | {"name": name}) for name in names[:2]]
    (tmp_path / progress.FILE).write_text("\n".join(lines))
    found = contents.overview(tmp_path)
    assert json.loads(json.dumps(found)) == found
    assert [each["file"] for each in found] == [path.name for path in LESSONS.values()]
    assert [each["number"] for each in found if each["next"]] == ["03"]
    third = next(each for each in found if each["number"] == "03")
    assert third["exercises"] == [2, len(names)]
    assert third["status"] == "begun"
    assert third["before"] == "lesson 01"
    assert {each["status"] for each in found if each is not third} == {"not begun"}
