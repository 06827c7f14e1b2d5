"""Does a translation still fit the English? What does not is named by its cell."""

from __future__ import annotations

from dataclasses import dataclass

import polib

from labkit.lab.translation import code, rules
from labkit.lab.translation.texts import Text, texts_of, translated_notebook


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the cell, and a sentence."""

    file: str
    context: str
    told: str

    def __str__(self) -> str:
        return f"{self.file} {self.context}: {self.told}"


@dataclass(frozen=True)
class Checked:
    """What a check found in one file."""

    name: str
    problems: list[Problem]
    translated: int
    untranslated: int

    def __str__(self) -> str:
        told = f"{self.name}: {self.translated} translated, {self.untranslated} not"
        return f"{told}, {len(self.problems)} to mend" if self.problems else told


def check_notebook(name: str, notebook: dict, po: polib.POFile) -> Checked:
    """Return what is wrong with the translation of a notebook.

    Args:
        name: of the file, such as "01".
        notebook: the English one.
        po: its translations.
    """
    texts = texts_of(notebook)
    found = check_texts(name, texts, po)
    changed = [Problem(name, id, "the translation changes the code") for id in _other(notebook, po)]
    return Checked(name, found.problems + changed, found.translated, found.untranslated)


def check_texts(name: str, texts: list[Text], po: polib.POFile, whole: bool = True) -> Checked:
    """Return what is wrong with the translation of some texts.

    Args:
        name: of the file.
        texts: as the English has them now.
        po: their translations.
        whole: whether the file must hold all texts, also those without a translation.
    """
    entries = {(e.msgctxt, e.msgid): e for e in po if not e.obsolete}
    found, done = [], 0
    for text in texts:
        entry = entries.pop((text.context, text.text), None)
        told = _told(text, entry) if whole or entry is not None else []
        done += bool(entry is not None and entry.msgstr and not told)
        found += [Problem(name, text.context, each) for each in told]
    for (context, old), entry in entries.items():
        if entry.msgstr:
            told = f"the English has no such text any more: {_short(old)}; run update"
            found.append(Problem(name, context, told))
    todo = sum(not (e := _entry(po, t)) or not e.msgstr for t in texts)
    return Checked(name, found, done, todo)


def _entry(po: polib.POFile, text: Text):
    return po.find(text.text, by="msgid", msgctxt=text.context)


def _told(text: Text, entry: polib.POEntry | None) -> list[str]:
    if entry is None:
        return [f"new or changed in the English, run update: {_short(text.text)}"]
    if entry.fuzzy:
        was = _short(entry.previous_msgid or "")
        return [f"the English changed, look at its translation.\n  was: {was}\n"
                f"  now: {_short(text.text)}\n  here: {_short(entry.msgstr)}"]  # fmt: skip
    if not entry.msgstr:
        return []
    found = rules.problems(text.text, entry.msgstr, text.kind)
    return [f"{each} (in {_short(entry.msgstr)})" for each in found]


def _other(notebook: dict, po: polib.POFile) -> list[str]:
    """Return the ids of cells whose translated code would do something else."""
    good = {(e.msgctxt, e.msgid): e.msgstr for e in po if e.msgstr and not e.obsolete}
    made = translated_notebook(notebook, good)
    found = []
    for old, new in zip(notebook["cells"], made["cells"], strict=True):
        if old["cell_type"] == "code" and old["source"] != new["source"]:
            try:
                same = code.meaning("".join(old["source"])) == code.meaning("".join(new["source"]))
            except SyntaxError:
                same = False
            found += [] if same else [old["id"]]
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 200 else text[:197] + "...")
