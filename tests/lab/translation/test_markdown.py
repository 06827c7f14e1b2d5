"""What of a Markdown cell is translated."""

import pytest

from labkit.lab import lesson as lessons
from labkit.lab.translation import catalog
from labkit.lab.translation.markdown import meanings, pieces


def texts(source):
    return [(piece.kind, piece.text) for piece in pieces(source) if piece.kind]


@pytest.mark.parametrize("name", catalog.every_name())
def test_the_pieces_of_every_cell_join_to_the_cell(name):
    for cell in lessons.content(catalog.notebook_path(name))["cells"]:
        if cell["cell_type"] == "markdown":
            assert "".join(piece.source for piece in pieces(cell["source"])) == cell["source"]
            assert "".join(piece.source for piece in meanings(cell["source"])) == cell["source"]


def test_headings_items_and_paragraphs_are_texts_without_their_marks():
    source = "## A title\n\nA paragraph\non two lines.\n\n- one item\n  goes on\n2. another\n"
    assert texts(source) == [
        ("text", "A title"),
        ("text", "A paragraph\non two lines."),
        ("text", "one item\n  goes on"),
        ("text", "another"),
    ]


def test_a_row_of_a_table_is_one_text():
    source = "| rule | one step |\n| --- | --: |\n| `sgd` | $w$ |\n| `adam` | as before |"
    assert texts(source) == [("row", "rule | one step"), ("row", "`adam` | as before")]


def test_formulas_tags_and_code_are_no_texts():
    source = "$$a\n+ b$$\n\n<!-- live -->\n</details>\n\n```\ntwo words\n```\n\n$$c = 1$$"
    assert texts(source) == []


def test_words_within_a_formula_are_a_text():
    assert texts(r"$$a \text{ with } b$$") == [("formula", r"$$a \text{ with } b$$")]


def test_meanings_of_links_and_minutes_are_left_out():
    source = '**Time:** about 65 minutes. A [loss](glossary.ipynb#loss "损失 · \\"it\\" (all)").'
    (piece,) = pieces(source)
    assert piece.text == "**Time:** about {minutes} minutes. A [loss](glossary.ipynb#loss)."
    assert piece.minutes == "65"


def test_lines_of_links_between_lessons_are_no_texts():
    assert texts("← [00 · Start](00_a.ipynb) · [All lessons](index.ipynb)") == []
