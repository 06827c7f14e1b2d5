"""Bring a file of translations up to date with the English text."""

from __future__ import annotations

import difflib

import polib

from labkit.lab.templates import is_hole, parts
from labkit.lab.translation import catalog
from labkit.lab.translation.texts import Text

_LIKE = 0.7  # how much a text must resemble an old one to get its translation, to be looked at


def updated(
    texts: list[Text], old: polib.POFile, memory: dict[str, str] | None = None
) -> tuple[polib.POFile, dict[str, int]]:
    """Return a file with an entry for each text, in their order, and how many are what.

    A text keeps its translation. One that resembles an old one gets that one's translation,
    marked fuzzy, with the old English beside it. What is gone stays at the end, as obsolete.

    Args:
        texts: as the English has them now.
        old: the file so far.
        memory: text -> translation, from other files.
    """
    there = {(e.msgctxt, e.msgid): e for e in old if not e.obsolete}
    memory = dict(memory or {}) | {e.msgid: e.msgstr for e in old if _is_good(e)}
    shapes = {_shape(text): (text, translation) for text, translation in memory.items()}
    made = catalog.new()
    made.metadata |= old.metadata
    counts = dict.fromkeys(("kept", "changed", "new", "gone"), 0)
    missing: list[polib.POEntry] = []
    for text in texts:
        entry = there.pop((text.context, text.text), None)
        if entry is None:
            entry = polib.POEntry(msgctxt=text.context, msgid=text.text)
            missing.append(entry)
        else:
            counts["kept"] += 1
        entry.comment = text.kind
        if not entry.msgstr:
            entry.msgstr = memory.get(text.text) or _of_same_shape(text.text, shapes)
        made.append(entry)
    gone = [e for e in there.values() if e.msgstr]
    gone_or_obsolete = gone + [e for e in old if e.obsolete]
    for entry in missing:
        counts["changed" if _carried(entry, gone_or_obsolete) else "new"] += 1
    for entry in gone_or_obsolete:
        entry.obsolete = True
        made.append(entry)
    counts["gone"] = len(gone_or_obsolete)
    return made, counts


def _shape(text: str) -> str:
    """Return a text with nameless holes."""
    return "".join("{}" if is_hole(part) else part for part in parts(text))


def _of_same_shape(text: str, shapes: dict[str, tuple[str, str]]) -> str:
    """Return the translation of a text that differs in the names of its holes only, else ""."""
    other, translation = shapes.get(_shape(text), ("", ""))
    old, new = ([part for part in parts(t) if is_hole(part)] for t in (other, text))
    if not other or not new or len(set(old)) < len(old):
        return ""
    names = dict(zip(old, new, strict=True))
    return "".join(names.get(part, part) for part in parts(translation))


def _is_good(entry: polib.POEntry) -> bool:
    return bool(entry.msgstr) and not entry.fuzzy and not entry.obsolete


def _carried(entry: polib.POEntry, gone: list[polib.POEntry]) -> bool:
    """Give a changed text the translation of the old one it resembles; return whether it did."""
    if entry.msgstr:
        return False

    def likeness(other):
        match = difflib.SequenceMatcher(None, other.msgid, entry.msgid, autojunk=False)
        if match.real_quick_ratio() < _LIKE or match.quick_ratio() < _LIKE:
            return 0.0
        return match.ratio() + 0.2 * (other.msgctxt == entry.msgctxt)

    best = max(gone, key=likeness, default=None)
    if best is None or likeness(best) < _LIKE:
        return False
    entry.msgstr, entry.previous_msgid = best.msgstr, best.msgid
    entry.flags.append("fuzzy")
    gone.remove(best)
    return True
