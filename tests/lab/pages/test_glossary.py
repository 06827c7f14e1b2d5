"""The glossary: its table, the notebook made from it, and the links that lead to it."""

import json
import re

import nbformat
import pytest

from labkit.lab import places
from labkit.lab.pages import glossary
from labkit.lab.pages.page import write_page

WORDS = glossary.read_glossary()
ANCHORS = {glossary.anchor(word["term"]) for word in WORDS}
LESSONS = places.lesson_files()
NOTEBOOK = places.home() / "notebooks" / "glossary.ipynb"


def links(text):
    return re.findall(r"\(glossary\.ipynb#([^)\s]*)[)\s]", text)


def lesson_text(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def test_every_row_is_full_and_one_line():
    assert len(WORDS) >= 60
    for word in WORDS:
        assert list(word) == glossary.COLUMNS
        assert all(value == value.strip() != "" for value in word.values()), word
        assert "\n" not in "".join(word.values())
        assert word["meaning"].endswith("."), word
        assert len(word["meaning"]) <= 130, word


def test_no_term_stands_twice_and_they_are_in_order():
    terms = [word["term"].lower() for word in WORDS]
    assert len(ANCHORS) == len(terms)
    assert terms == sorted(terms)


def test_chinese_terms_are_chinese_and_differ():
    chinese = [word["chinese"] for word in WORDS]
    assert all(re.search(r"[\u4e00-\u9fff]", term) for term in chinese)
    assert len(set(chinese)) == len(chinese)


# Pairs that are easily swapped, as they were in a published glossary.
EASILY_SWAPPED = {
    "overfitting": "过拟合",
    "underfitting": "欠拟合",
    "oversampling": "过采样",
    "undersampling": "欠采样",
    "precision": "精确率",
    "accuracy": "准确率",
    "recall": "召回率",
}


def test_terms_that_are_easily_swapped():
    chinese = {word["term"]: word["chinese"] for word in WORDS}
    assert {term: chinese[term] for term in EASILY_SWAPPED} == EASILY_SWAPPED


def test_the_notebook_is_made_from_the_table():
    made = glossary.glossary_notebook(WORDS)
    assert json.loads(NOTEBOOK.read_text(encoding="utf-8")) == made, (
        "run: python -m labkit.lab.pages.glossary"
    )
    nbformat.validate(nbformat.from_dict(made))


def test_the_notebook_has_one_heading_a_word_with_its_anchor():
    text = lesson_text(NOTEBOOK)
    # JupyterLab's anchor of a heading is its text with "-" for each space.
    headings = [h.replace(" ", "-") for h in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    assert sorted(headings) == sorted(ANCHORS)


@pytest.mark.parametrize("path", LESSONS.values(), ids=lambda path: path.stem)
def test_lessons_link_words_that_exist_and_each_once(path):
    linked = links(lesson_text(path))
    assert [name for name in linked if name not in ANCHORS] == []
    assert len(set(linked)) == len(linked), "link a word at its first use only"


def test_lesson_02_links_its_words():
    assert len(links(lesson_text(LESSONS["02"]))) >= 8


def page_of(tmp_path, text):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    write_page(notebook, tmp_path / "page.html", "Trial")
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_carries_the_words_that_it_links(tmp_path):
    text = "A [loss](glossary.ipynb#loss-function) of a [ReLU](glossary.ipynb#relu)."
    page = page_of(tmp_path, text)
    for name in ("loss-function", "relu"):
        assert page.count(f'href="#word-{name}"') == 1
        assert page.count(f'id="word-{name}"') == 1
    assert "损失函数" in page
    assert 'id="word-epoch"' not in page
    assert "glossary.ipynb" not in page
    assert page.index('id="word-relu"') < page.index("</main>")


def test_a_page_without_links_has_no_list_of_words(tmp_path):
    assert 'id="word-' not in page_of(tmp_path, "A [page](https://example.org).")


def test_an_unknown_word_keeps_its_link(tmp_path):
    assert "glossary.ipynb#no-such-word" in page_of(tmp_path, "[x](glossary.ipynb#no-such-word)")
