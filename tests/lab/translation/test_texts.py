"""A notebook, its texts, and the notebook made from them."""

import ast
import re

import pytest

from labkit.lab.pages.glossary import anchor, read_glossary
from labkit.lab.translation import catalog, check, editions, sheet, update
from labkit.lab.translation.links import Links
from labkit.lab.translation.texts import texts_of, translated_notebook

CHINESE = {anchor(row["term"]): row["chinese"] for row in read_glossary()}
_LINK = re.compile(r"\[[^\]]*\]\(glossary\.ipynb#([^()\s]+)")


def notebook(*cells):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def text_cell(id, source):
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def code_cell(id, source, **metadata):
    return {"cell_type": "code", "id": id, "metadata": metadata, "source": source}


@pytest.mark.parametrize("name", catalog.every_name())
def test_without_translations_every_notebook_stays_as_it_is_to_the_byte(name):
    path = catalog.notebook_path(name)
    made = translated_notebook(catalog.notebook(name), {})
    assert editions.notebook_text(made) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", catalog.every_name())
def test_a_whole_translation_is_taken_and_leaves_what_the_code_does(name):
    """Each text is translated by itself with a Chinese word before it: nothing may break."""
    given = catalog.notebook(name)
    po, _ = update.updated(texts_of(given), catalog.new())
    lines = sheet.todo(po).splitlines(keepends=True)
    filled = "".join(line if line.startswith(("#", "\n")) else "文" + line for line in lines)
    taken, refused = sheet.fill(po, _LINK.sub(_with_term, filled))
    assert not refused
    assert taken == len(texts_of(given))
    found = check.check_notebook(name, given, po)
    assert not found.problems
    assert found.untranslated == 0
    made = translated_notebook(given, catalog.known(po))
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            ast.parse(cell["source"])


def _with_term(found):
    return f"[{CHINESE[found[1]]}](glossary.ipynb#{found[1]}"


def test_cells_keep_their_ids_tags_and_order():
    given = catalog.notebook("01")
    made = editions.edition("01")
    assert [c["id"] for c in made["cells"]] == [c["id"] for c in given["cells"]]
    assert [c["metadata"] for c in made["cells"]] == [c["metadata"] for c in given["cells"]]
    assert made["metadata"]["labkit"]["lang"] == "zh"


def test_what_has_no_translation_stays_english_block_by_block():
    given = notebook(text_cell("a", "## One title\n\nA paragraph."), code_cell("b", "# a remark"))
    made = translated_notebook(given, {("a", "One title"): "标题", ("b", "a remark"): "说明"})
    assert made["cells"][0]["source"] == "## 标题\n\nA paragraph."
    assert made["cells"][1]["source"] == "# 说明"


def test_the_same_text_in_another_cell_is_another_text():
    given = notebook(text_cell("a", "Two words."), text_cell("b", "Two words."))
    made = translated_notebook(given, {("a", "Two words."): "两个词。"})
    assert [cell["source"] for cell in made["cells"]] == ["两个词。", "Two words."]


def test_links_show_titles_and_meanings_of_the_language():
    source = "← [00 · Start](00_a.ipynb)\n\n**Time:** about 5 minutes. A [loss](glossary.ipynb#l)."
    text = "**Time:** about {minutes} minutes. A [loss](glossary.ipynb#l)."
    known = {("a", text): "**用时：** 约 {minutes} 分钟。[损失](glossary.ipynb#l)。"}
    links = Links(titles={"00_a.ipynb": "00 · 开始"}, words={"l": 'loss · "错"'})
    made = translated_notebook(notebook(text_cell("a", source)), known, links)
    assert made["cells"][0]["source"] == (
        "← [00 · 开始](00_a.ipynb)\n\n**用时：** 约 5 分钟。"
        '[损失](glossary.ipynb#l "loss · \\"错\\"")。'
    )


def test_values_of_parameters_stay_and_their_help_is_translated():
    given = notebook(code_cell("p", 'a = "two words"  # how far, in [0, 1]', tags=["parameters"]))
    assert [text.text for text in texts_of(given)] == ["how far, in [0, 1]"]
