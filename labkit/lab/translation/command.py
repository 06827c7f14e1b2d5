"""What `labkit translate` does."""

from __future__ import annotations

import polib

from labkit.lab.phrases import PACKAGES
from labkit.lab.translation import catalog, check, sheet, update
from labkit.lab.translation.catalog import TranslationError
from labkit.lab.translation.sources import texts_of_package
from labkit.lab.translation.texts import Text, texts_of


def chosen(names: tuple[str, ...], language: str = "zh") -> list[str]:
    """Return the names of files; those that are there when none are named.

    Raises:
        TranslationError: no file is there, or a notebook has none of that name.
    """
    if names:
        return [
            name if name in PACKAGES else catalog.name_of(catalog.notebook_path(name))
            for name in names
        ]
    found = catalog.names(language)
    if not found:
        raise TranslationError(f"{catalog.folder(language)} has no files yet; name a lesson: 01")
    return found


def update_file(name: str) -> str:
    """Bring a file up to date with its notebook; return a line that says what changed."""
    po, counts = _updated(name)
    catalog.write(name, po)
    return f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.items())


def check_file(name: str) -> check.Checked:
    """Return what is wrong with a file."""
    po = catalog.read(name)
    if name in PACKAGES:
        return check.check_texts(name, texts(name), po, whole=False)
    return check.check_notebook(name, catalog.notebook(name), po)


def texts(name: str) -> list[Text]:
    """Return the texts that a file translates."""
    if name in PACKAGES:
        return texts_of_package(name)
    return texts_of(catalog.notebook(name))


def todo_sheet(name: str, every: bool = False, only: str = "") -> str:
    """Return the sheet of what is to be translated in a file, which is brought up to date.

    Args:
        name: of the file.
        every: whether to show what is translated, too.
        only: a part of the names of cells or modules; the sheet shows no others.
    """
    po, _ = _updated(name)
    catalog.write(name, po)
    return sheet.todo(po, every, only)


def fill_file(name: str, text: str) -> tuple[int, list[sheet.Refused]]:
    """Write the translations of a sheet into a file; return how many, and what was refused."""
    po, _ = _updated(name)
    taken, refused = sheet.fill(po, text)
    catalog.write(name, po)
    return taken, refused


def _updated(name: str) -> tuple:
    return update.updated(texts(name), catalog.read(name), _memory(name))


def _memory(name: str) -> dict[str, str]:
    """Return text -> translation of all other files: what is said twice is translated once."""
    found: dict[str, str] = {}
    for path in sorted(catalog.folder().glob("*.po")):
        if path.stem != name:
            po = polib.pofile(str(path))
            found |= {e.msgid: e.msgstr for e in po if e.translated() and not e.obsolete}
    return found
