"""Editions of the lessons: all notebooks in another language, in a folder, built when needed."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from labkit.lab import files, places
from labkit.lab.language import language
from labkit.lab.lesson import minutes
from labkit.lab.pages.glossary import anchor, read_glossary
from labkit.lab.translation import catalog
from labkit.lab.translation.links import Links
from labkit.lab.translation.texts import texts_of, translated_notebook

_STAMP = "made-from.txt"
_BEFORE = "**Before it:**"
_QUESTION = "**Question.**"
_INDEX = {"zh": "所有课程"}


def build(out: Path, named: str = "zh") -> list[Path]:
    """Write all notebooks in a language to a folder; return their paths.

    What is not translated stays English, block by block. What stands beside the notebooks and is
    no notebook, such as the parameters of full-size runs, goes along.

    Args:
        out: the folder; it is made.
        named: the language.
    """
    out.mkdir(parents=True, exist_ok=True)
    links = links_of(named)
    made = []
    for name in catalog.every_name():
        path = catalog.notebook_path(name)
        files.write(out / path.name, notebook_text(edition(name, named, links)))
        made.append(out / path.name)
    given = places.english_notebooks()
    shutil.copytree(given / "small", out / "small", dirs_exist_ok=True)
    shutil.copy(given / "full.yml", out)
    return made


def ensure(named: str | None = None) -> Path | None:
    """Build the edition of a language where it is not up to date; return its folder.

    Args:
        named: the language; None for that of LABKIT_LANG. English needs none.

    Raises:
        OSError: the folder cannot be written.
    """
    named = named or language()
    if named == "en":
        return None
    folder = places.edition_folder(named)
    stamp, now = folder / _STAMP, _made_from(named)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != now:
        build(folder, named)
        files.write(stamp, now)
    return folder


def edition(name: str, named: str = "zh", links: Links | None = None) -> dict:
    """Return a notebook in a language, as plain data; its metadata name the language.

    Args:
        name: of the notebook: "01", "index", "glossary".
        named: the language.
        links: what links show; see `links_of`, which takes a moment.

    >>> edition("01")["metadata"]["labkit"]["lang"]
    'zh'
    """
    notebook = catalog.notebook(name)
    known = catalog.known(catalog.read(name, named))
    made = translated_notebook(notebook, known, links or links_of(named))
    facts = {"lang": named, "minutes": minutes(notebook["cells"]), **_facts(notebook, known)}
    made["metadata"]["labkit"] = {**made["metadata"].get("labkit", {}), **facts}
    return made


def notebook_text(notebook: dict) -> str:
    """Return a notebook as JupyterLab stores it."""
    import nbformat

    return nbformat.writes(nbformat.from_dict(notebook)) + "\n"


def links_of(named: str = "zh") -> Links:
    """Return what links show in a language.

    >>> "loss-function" in links_of().words
    True
    """
    translated = meanings(named)
    words = {}
    for row in read_glossary():
        meaning = translated.get(row["meaning"])
        told = f"{row['term']} · {meaning}" if meaning else f"{row['chinese']} · {row['meaning']}"
        words[anchor(row["term"])] = told
    return Links(_titles(named), words)


def meanings(named: str = "zh") -> dict[str, str]:
    """Return meaning of a word of the glossary -> its translation, where there is one.

    >>> isinstance(meanings(), dict)
    True
    """
    known = catalog.known(catalog.read("glossary", named))
    return {text: translation for (_, text), translation in known.items()}


def _titles(named: str) -> dict[str, str]:
    """Return name of the notebook -> what links between lessons say, where it is translated."""
    found = {}
    for name in catalog.every_name():
        first = catalog.notebook(name)["cells"][:1]
        texts = texts_of({"cells": first})
        title = catalog.known(catalog.read(name, named)).get((texts[0].context, texts[0].text))
        if title and name not in catalog.PAGES:
            found[catalog.notebook_path(name).name] = title
    return found | ({"index.ipynb": _INDEX[named]} if found else {})


def _facts(notebook: dict, known: dict[tuple[str, str], str]) -> dict[str, str]:
    """Return question and "before it" of a lesson, which labkit reads off the English words."""
    texts = texts_of({"cells": notebook["cells"][:1]})
    told = {text.text: known.get((text.context, text.text)) for text in texts}
    question = next((t for text, t in told.items() if t and text.startswith(_QUESTION)), "")
    before = next((t for text, t in told.items() if t and _BEFORE in text), "")
    found = {"question": re.sub(r"^\*\*[^*]+\*\*[\s：:]*", "", question)}
    found["before"] = re.split("[。;；]", re.split(r"\*\*[^*]+\*\*[\s：:]*", before)[-1])[0].strip()
    return {name: text for name, text in found.items() if text}


def _made_from(named: str) -> str:
    """Return a hash of all that an edition is made from."""
    given = places.english_notebooks()
    parts = [*given.glob("*.ipynb"), *given.glob("small/*"), given / "full.yml"]
    parts += [*catalog.folder(named).glob("*.po"), places.home() / "data" / "glossary.csv"]
    parts += Path(__file__).parent.glob("*.py")
    digest = hashlib.sha256()
    for path in sorted(parts):
        found = path.stat()
        digest.update(f"{path} {found.st_mtime_ns} {found.st_size}\n".encode())
    return digest.hexdigest()
