"""English that changes is found, named by its cell, and its translation carried along."""

import polib

from labkit.lab.translation import catalog, check, sheet, update
from labkit.lab.translation.texts import texts_of

CELLS = {
    "idea": ("markdown", "The loss says how wrong it is: $x = 2$."),
    "other": ("markdown", "Another paragraph stands here."),
    "show": ("code", 'print(f"the loss is {loss:.2f} now")'),
}
DONE = {
    ("idea", "The loss says how wrong it is: $x = 2$."): "损失说明错了多少：$x = 2$。",
    ("show", "the loss is {loss:.2f} now"): "损失现在是 {loss:.2f}",
}


def notebook(**changed):
    cells = {id: (kind, changed.get(id, source)) for id, (kind, source) in CELLS.items()}
    return {
        "cells": [
            {"cell_type": kind, "id": id, "metadata": {}, "source": source}
            for id, (kind, source) in cells.items()
        ]
    }


def translated(known=DONE, given=None):
    po, _ = update.updated(texts_of(given or notebook()), catalog.new())
    for entry in po:
        entry.msgstr = known.get((entry.msgctxt, entry.msgid), "")
    return po


def found(po, **changed):
    return check.check_notebook("01", notebook(**changed), po)


def test_a_good_translation_is_counted_and_what_is_missing_too():
    result = found(translated())
    assert (result.problems, result.translated, result.untranslated) == ([], 2, 1)


def test_english_that_changed_names_its_cell_before_and_after_an_update():
    changed = {"idea": "The loss says how wrong it is here: $x = 2$."}
    po = translated()
    assert {problem.context for problem in found(po, **changed).problems} == {"idea"}
    po, counts = update.updated(texts_of(notebook(**changed)), po)
    assert counts == {"kept": 2, "changed": 1, "new": 0, "gone": 0}
    (problem,) = found(po, **changed).problems
    assert problem.context == "idea"
    assert "how wrong it is: $x" in problem.told
    assert po.find("The loss says how wrong it is here: $x = 2$.").fuzzy
    assert catalog.known(po) == {key: DONE[key] for key in DONE if key[0] == "show"}


def test_a_changed_template_is_drift_too():
    changed = {"show": 'print(f"the loss is {loss:.3f} now")'}
    assert [problem.context for problem in found(translated(), **changed).problems] == [
        "show",
        "show",
    ]


def test_a_translation_that_breaks_a_rule_is_named():
    for key, bad in (
        (("idea", "The loss says how wrong it is: $x = 2$."), "损失：$x = 3$。"),
        (("show", "the loss is {loss:.2f} now"), "损失 {loss:.3f}"),
        (("show", "the loss is {loss:.2f} now"), "损失 {loss:.2f"),
    ):
        result = found(translated({**DONE, key: bad}))
        assert key[0] in {problem.context for problem in result.problems}
        assert result.translated == 1


def test_a_text_that_moved_to_another_cell_keeps_its_translation():
    po = translated()
    given = notebook()
    given["cells"][0]["id"] = "moved"
    po, _ = update.updated(texts_of(given), po)
    assert (
        catalog.known(po)["moved", "The loss says how wrong it is: $x = 2$."]
        == "损失说明错了多少：$x = 2$。"
    )


def test_what_is_gone_is_kept_as_obsolete_and_comes_back():
    without = notebook()
    del without["cells"][2]
    po, counts = update.updated(texts_of(without), translated())
    assert counts["gone"] == 1
    po = polib.pofile(str(po))
    po, counts = update.updated(texts_of(notebook()), po)
    assert ("show", "the loss is {loss:.2f} now") in {(e.msgctxt, e.msgid) for e in po if e.msgstr}


def test_entries_are_in_the_order_of_the_cells():
    po, _ = update.updated(texts_of(notebook()), translated())
    assert [entry.msgctxt for entry in po] == ["idea", "other", "show"]


def test_a_sheet_goes_out_and_comes_in_again():
    po = translated({})
    text = sheet.todo(po)
    assert text.startswith("#1 [idea, text]\nThe loss says")
    done = text.replace("The loss says how wrong it is", "损失说明错了多少").replace(
        "the loss is", "损失是"
    )
    taken, refused = sheet.fill(po, done)
    assert (taken, refused) == (3, [])
    assert sheet.todo(po) == ""
    assert "损失说明错了多少：" not in sheet.todo(po, every=True)
    assert "#! here: 损失说明错了多少: $x = 2$." in sheet.todo(po, every=True)


def test_a_bad_part_of_a_sheet_is_refused_by_number_and_the_good_ones_are_kept():
    po = translated({})
    parts = [
        "#1 [idea, text]\n损失：$x = 3$",
        "#3 [show, template]\n损失 {loss:.2f}",
        "#9 [x, text]\n甲",
    ]
    done = "\n\n".join(parts)
    taken, refused = sheet.fill(po, done)
    assert taken == 1
    assert (refused[0].number, refused[0].context) == (1, "idea")
    assert refused[-1].number == 9
    assert [po[2].msgstr, po[0].msgstr] == ["损失 {loss:.2f}", ""]


def test_a_changed_text_comes_with_what_it_was():
    changed = {"idea": "The loss says how wrong it is here: $x = 2$."}
    po, _ = update.updated(texts_of(notebook(**changed)), translated())
    text = sheet.todo(po)
    assert "#1 [idea, text, changed]\n#! was: The loss says how wrong it is: $x = 2$." in text
    taken, _ = sheet.fill(po, "#1 [idea, text, changed]\n#! was: The\n损失在这里：$x = 2$。\n")
    assert taken == 1
    assert (po[0].fuzzy, po[0].previous_msgid) == (False, None)


def test_lines_within_a_text_survive_the_sheet():
    given = notebook(other="First line\nof two words.", show='x = """two words\n\nand more\n"""')
    po = translated({}, given)
    sheet.fill(po, "#2 [other, text]\n第一行\n第二行。\n\n#3 [show, string]\n两个词\n\n更多\n")
    assert [entry.msgstr for entry in po] == ["", "第一行\n第二行。", "两个词\n\n更多\n"]
