"""What `labkit translate` does."""

from __future__ import annotations

import polib

from labkit.lab.translation import catalog, check, sheet, update
from labkit.lab.translation.catalog import TranslationError
from labkit.lab.translation.texts import Text, texts_of


def chosen(names: tuple[str, ...], language: str = "zh") -> list[str]:
    """Return the names of files; those that are there when none are named.

    Raises:
        TranslationError: no file is there, or a notebook has none of that name.
    """
    if names:
        return [catalog.name_of(catalog.notebook_path(name)) for name in names]
    found = catalog.names(language)
    if not found:
        raise TranslationError(f"{catalog.folder(language)} has no files yet; name a lesson: 01")
    return found


def update_file(name: str) -> str:
    """Bring a file up to date with its notebook; return a line that says what changed."""
    memory = _memory(name)
    po, counts = update.updated(texts(name), catalog.read(name), memory)
    catalog.write(name, po)
    return f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.items())


def check_file(name: str) -> check.Checked:
    """Return what is wrong with a file."""
    return check.check_notebook(name, catalog.notebook(name), catalog.read(name))


def texts(name: str) -> list[Text]:
    """Return the texts that a file translates."""
    return texts_of(catalog.notebook(name))


def todo_sheet(name: str, every: bool = False) -> str:
    """Return the sheet of what is to be translated in a file, which is brought up to date."""
    update_file(name)
    return sheet.todo(catalog.read(name), every)


def fill_file(name: str, text: str) -> tuple[int, list[sheet.Refused]]:
    """Write the translations of a sheet into a file; return how many, and what was refused."""
    po = catalog.read(name)
    taken, refused = sheet.fill(po, text)
    catalog.write(name, po)
    return taken, refused


def _memory(name: str) -> dict[str, str]:
    """Return text -> translation of all other files: what is said twice is translated once."""
    found: dict[str, str] = {}
    for path in sorted(catalog.folder().glob("*.po")):
        if path.stem != name:
            po = polib.pofile(str(path))
            found |= {e.msgid: e.msgstr for e in po if e.translated() and not e.obsolete}
    return found
