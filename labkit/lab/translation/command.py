"""What `labkit translate` does."""

from __future__ import annotations

from pathlib import Path

import polib

from labkit.lab import files
from labkit.lab.pages.glossary import anchor, read_glossary
from labkit.lab.translation import catalog, check, sheet, update
from labkit.lab.translation.catalog import TranslationError
from labkit.lab.translation.links import Links
from labkit.lab.translation.texts import Text, texts_of, translated_notebook


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


def build(out: Path, language: str = "zh") -> list[Path]:
    """Write all notebooks in a language to a folder; return their paths.

    What is not translated stays English, block by block.
    """
    out.mkdir(parents=True, exist_ok=True)
    links = links_of(language)
    made = []
    for name in catalog.every_name():
        path = catalog.notebook_path(name)
        files.write(out / path.name, notebook_text(edition(name, language, links)))
        made.append(out / path.name)
    return made


def edition(name: str, language: str = "zh", links: Links | None = None) -> dict:
    """Return a notebook in a language, as plain data; its metadata name the language."""
    notebook = catalog.notebook(name)
    known = catalog.known(catalog.read(name, language))
    made = translated_notebook(notebook, known, links or links_of(language))
    made["metadata"]["labkit"] = {**made["metadata"].get("labkit", {}), "lang": language}
    return made


def notebook_text(notebook: dict) -> str:
    """Return a notebook as JupyterLab stores it."""
    import nbformat

    return nbformat.writes(nbformat.from_dict(notebook)) + "\n"


def links_of(language: str = "zh") -> Links:
    """Return what links show in a language."""
    known = catalog.known(catalog.read("glossary", language))
    meanings = {text: chinese for (_, text), chinese in known.items()}
    words = {}
    for row in read_glossary():
        meaning = meanings.get(row["meaning"])
        words[anchor(row["term"])] = (
            f"{row['term']} · {meaning}" if meaning else f"{row['chinese']} · {row['meaning']}"
        )
    return Links(lesson_titles(language), words)


def lesson_titles(language: str = "zh") -> dict[str, str]:
    """Return name of the notebook -> what links between lessons say, where it is translated."""
    found = {}
    for name in catalog.every_name():
        path = catalog.notebook_path(name)
        texts = texts_of({"cells": catalog.notebook(name)["cells"][:1]})
        known = catalog.known(catalog.read(name, language))
        title = known.get((texts[0].context, texts[0].text)) if texts else None
        if title and name != "index":
            found[path.name] = title
    found |= {"index.ipynb": "所有课程"} if found and language == "zh" else {}
    return found


def _memory(name: str) -> dict[str, str]:
    """Return text -> translation of all other files: what is said twice is translated once."""
    found: dict[str, str] = {}
    for path in sorted(catalog.folder().glob("*.po")):
        if path.stem != name:
            po = polib.pofile(str(path))
            found |= {e.msgid: e.msgstr for e in po if e.translated() and not e.obsolete}
    return found
