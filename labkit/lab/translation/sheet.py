"""A sheet for translators: plain text, a numbered paragraph a text, out and in again.

```
#12 [idea, text]
A model has one weight $w$.

#13 [idea, text, changed]
#! was: The loss says how wrong it is.
#! here: 损失说明错了多少。
The **loss** says how wrong the model is.
```

The translation stands in the place of the English; lines that begin with `#!` are for reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polib

from labkit.lab.translation import rules

_HEAD = re.compile(r"^#(\d+) \[([^\],]+),[^\]]*\]\s*$")


@dataclass(frozen=True)
class Refused:
    """A translation that was not taken, and why."""

    number: int
    context: str
    told: str

    def __str__(self) -> str:
        return f"#{self.number} [{self.context}]: {self.told}"


def todo(po: polib.POFile, every: bool = False, only: str = "") -> str:
    """Return the sheet of what is not translated or has changed; with every, of all texts.

    With `only` the sheet shows texts whose cell or module has that in its name.

    A text that stands in several cells is asked for once.
    """
    asked: set[str] = set()
    parts = []
    for number, entry in _numbered(po):
        is_open = every or entry.fuzzy or not entry.msgstr
        if not is_open or entry.msgid in asked or only not in entry.msgctxt:
            continue
        asked.add(entry.msgid)
        changed = ", changed" if entry.fuzzy else ""
        lines = [f"#{number} [{entry.msgctxt}, {entry.comment}{changed}]"]
        if entry.fuzzy or (every and entry.msgstr):
            lines += _remarks("was", entry.previous_msgid or "") if entry.fuzzy else []
            lines += _remarks("here", entry.msgstr)
        parts.append("\n".join([*lines, entry.msgid.strip()]))
    return "\n\n".join(parts) + ("\n" if parts else "")


def fill(po: polib.POFile, sheet: str) -> tuple[int, list[Refused]]:
    """Write the translations of a sheet into a file; return how many, and what was refused.

    A translation equal to its English is taken: some texts, such as names, stay as they are.
    """
    entries = dict(_numbered(po))
    taken, refused = 0, []
    for number, context, text in _parts(sheet):
        entry = entries.get(number)
        if entry is None or entry.msgctxt != context:
            told = "the file has no such text; make a new sheet with `labkit translate todo`"
            refused.append(Refused(number, context, told))
            continue
        text = text if entry.comment == "comment" else rules.mended(text)
        told = rules.problems(entry.msgid, text, entry.comment) if text else ["it is empty"]
        if told:
            refused += [Refused(number, context, each) for each in told]
            continue
        taken += _take(po, entry, text)
    return taken, refused


def _take(po: polib.POFile, entry: polib.POEntry, text: str) -> int:
    """Give a translation to all entries of this text that have none; return how many."""
    same = [e for e in po if not e.obsolete and e.msgid == entry.msgid]
    same = [e for e in same if e is entry or not e.msgstr or e.fuzzy]
    for each in same:
        start = re.match(r"\n*", each.msgid)[0]
        end = re.search(r"\n*\Z", each.msgid)[0]
        each.msgstr = start + text + end
        each.previous_msgid = None
        each.flags = [flag for flag in each.flags if flag != "fuzzy"]
    return len(same)


def _numbered(po: polib.POFile):
    return enumerate((entry for entry in po if not entry.obsolete), 1)


def _remarks(name: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    return [f"#! {name}: {first}", *(f"#!   {line}" for line in rest)]


def _parts(sheet: str):
    """Yield (number, context, text) of each part of a sheet."""
    head, lines = None, []
    for line in [*sheet.lstrip("\ufeff").splitlines(), "#0 [end, end]"]:
        found = _HEAD.match(line)
        if found:
            if head is not None:
                yield *head, "\n".join(lines).strip()
            head, lines = (int(found[1]), found[2].strip()), []
        elif not line.startswith("#!"):
            lines.append(line)
