"""The files of a language: `locale/zh/01.po` for lesson 01, one file a notebook."""

from __future__ import annotations

import re
from pathlib import Path

import polib

from labkit.lab import files, places
from labkit.lab import lesson as lessons
from labkit.lab.phrases import PACKAGES

LANGUAGES = {"zh": "zh_CN"}
PAGES = ("index", "glossary")


class TranslationError(ValueError):
    """What was asked of a translation cannot be done; the message says why."""


def folder(language: str = "zh") -> Path:
    """Return the folder of a language's files.

    Raises:
        TranslationError: the lab has no such language.

    >>> folder("zh").name
    'zh'
    """
    if language not in LANGUAGES:
        raise TranslationError(f"no language {language!r}; there is: {', '.join(LANGUAGES)}")
    return places.home() / "locale" / language


def notebook_path(name: str) -> Path:
    """Return the notebook that a file translates: '01', 'index' or 'glossary'.

    Raises:
        TranslationError: there is no such notebook; the message lists those there are.

    >>> notebook_path("1").name
    '01_gradient_descent.ipynb'
    """
    if name in PAGES:
        return places.english_notebooks() / f"{name}.ipynb"
    stem = name.removesuffix(".ipynb")
    number = stem.zfill(2) if stem.isdigit() else stem[:2]
    found = _english().get(number)
    if found is None or stem not in (number, number.lstrip("0") or "0", found.stem):
        there = ", ".join([*every_name(), *PACKAGES])
        raise TranslationError(f"there is nothing {name!r} to translate; there are: {there}")
    return found


def _english() -> dict[str, Path]:
    """Return number -> notebook of the lessons as they are written."""
    found = sorted(places.english_notebooks().glob("[0-9][0-9]_*.ipynb"))
    return {path.name[:2]: path for path in found if re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem)}


def name_of(path: Path) -> str:
    """Return the name of the file that translates a notebook.

    >>> name_of(Path("notebooks/01_gradient_descent.ipynb"))
    '01'
    """
    return path.stem if path.stem in PAGES else path.name[:2]


def names(language: str = "zh") -> list[str]:
    """Return the names of the files that there are, in order."""
    found = {path.stem for path in folder(language).glob("*.po")}
    return [name for name in (*every_name(), *PACKAGES) if name in found]


def every_name() -> list[str]:
    """Return the names of all notebooks that can be translated."""
    return [*_english(), *PAGES]


def read(name: str, language: str = "zh") -> polib.POFile:
    """Return a file of translations; an empty one where there is none yet.

    Raises:
        TranslationError: the file cannot be read.
    """
    path = folder(language) / f"{name}.po"
    if not path.exists():
        return new(language)
    try:
        return polib.pofile(str(path), wrapwidth=0)
    except (OSError, UnicodeDecodeError) as error:
        raise TranslationError(f"{path} is no readable PO file: {error}") from error


def new(language: str = "zh") -> polib.POFile:
    """Return an empty file of translations."""
    made = polib.POFile(wrapwidth=0)
    made.metadata = {
        "Language": LANGUAGES[language],
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    return made


def write(name: str, po: polib.POFile, language: str = "zh") -> Path:
    """Write a file of translations, whole or not at all; return its path.

    Of the package's texts, which are many, it holds those that have a translation.
    """
    if name in PACKAGES:
        kept, po = po, new(language)
        po.metadata |= kept.metadata
        po.extend(entry for entry in kept if entry.msgstr)
    path = folder(language) / f"{name}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, str(po) + "\n")
    return path


def known(po: polib.POFile) -> dict[tuple[str, str], str]:
    """Return (context, text) -> translation, of what is translated and not fuzzy."""
    return {(e.msgctxt, e.msgid): e.msgstr for e in po if e.translated() and not e.obsolete}


def notebook(name: str) -> dict:
    """Return a notebook as plain data.

    Raises:
        ParameterError: the file is no notebook.
    """
    return lessons.content(notebook_path(name))
