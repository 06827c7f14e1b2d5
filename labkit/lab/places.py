"""Where the lab keeps things: lessons, runs, the ledger of claims."""

import difflib
import os
import re
import sys
from pathlib import Path

from labkit.lab.language import language

_CHECKOUT = Path(__file__).parents[2]
_INSTALLED = Path(sys.prefix) / "share" / "labkit"
_LESSON_NAME = re.compile(r"[0-9]{2}_[a-z0-9_]+")


class PlaceError(FileNotFoundError):
    """A folder or lesson that the lab needs is not there."""


class LessonError(PlaceError):
    """There is no such lesson; the message lists those there are."""


def home() -> Path:
    """Return the folder that holds `notebooks/` and `data/`.

    That is LABKIT_HOME, else this checkout, else the current folder, else what came with the
    installed package.

    Raises:
        PlaceError: no such folder; the message says what to do.

    >>> (home() / "notebooks").is_dir()
    True
    """
    named = os.environ.get("LABKIT_HOME")
    candidates = [Path(named).expanduser()] if named else [_CHECKOUT, Path.cwd(), _INSTALLED]
    for folder in candidates:
        if (folder / "notebooks").is_dir():
            return folder.resolve()
    looked = " or ".join(str(folder) for folder in candidates)
    raise PlaceError(
        f"No folder 'notebooks' with lessons in {looked}. Run labkit inside its checkout, "
        "or set LABKIT_HOME to the checkout's folder."
    )


def english_notebooks() -> Path:
    """Return the folder of the lessons as they are written, from which editions are made.

    >>> english_notebooks().name
    'notebooks'
    """
    return home() / "notebooks"


def edition_folder(named: str) -> Path:
    """Return where the lessons in another language are built: `build/zh` of the lab.

    >>> edition_folder("zh").parts[-2:]
    ('build', 'zh')
    """
    return _own() / "build" / named


def notebooks() -> Path:
    """Return the folder of the lessons in the language of LABKIT_LANG.

    In a language of which no edition is built the lessons are English.

    >>> notebooks() == english_notebooks()
    True
    """
    if language() != "en" and (edition_folder(language()) / "index.ipynb").is_file():
        return edition_folder(language())
    return english_notebooks()


def _own() -> Path:
    """Return the folder below which the lab may write: its own, or the current one."""
    lab = home()
    return Path.cwd() if lab == _INSTALLED.resolve() else lab


def runs_folder(folder: str | os.PathLike | None = None) -> Path:
    """Return the results folder: the one named, else LABKIT_RUNS, else `runs/` of the lab.

    Runs in another language than English are kept apart, in `runs/zh`.

    >>> runs_folder("trials").name
    'trials'
    """
    named = folder or os.environ.get("LABKIT_RUNS")
    if named:
        return Path(named).expanduser().absolute()
    return _own() / "runs" / ("" if language() == "en" else language())


def learner_folder() -> Path:
    """Return the learner's own folder: LABKIT_LEARNER, else `learner/` of the lab.

    Copies of the lessons with the learner's answers lie there, and what was guessed and checked.

    >>> learner_folder().name
    'learner'
    """
    named = os.environ.get("LABKIT_LEARNER")
    if named:
        return Path(named).expanduser().absolute()
    return _own() / "learner"


def copies_folder() -> Path:
    """Return the folder of the learner's copies: `learner/`, in Chinese `learner/zh`.

    What was guessed and checked stays in `learner/`, whatever the language.

    >>> copies_folder() == learner_folder()
    True
    """
    return learner_folder() / ("" if language() == "en" else language())


def lesson_files() -> dict[str, Path]:
    """Return lesson number -> notebook, in order: {'00': .../00_start_here.ipynb, ...}.

    Raises:
        PlaceError: two notebooks have the same number.

    >>> lesson_files()["01"].name
    '01_gradient_descent.ipynb'
    """
    found: dict[str, Path] = {}
    for path in sorted(notebooks().glob("[0-9][0-9]_*.ipynb")):
        if not _LESSON_NAME.fullmatch(path.stem):  # such as JupyterLab's "01_...-Copy1"
            continue
        number = path.name[:2]
        if number in found:
            raise PlaceError(
                f"Two lessons have the number {number}: {found[number].name} and {path.name} in "
                f"{path.parent}. Rename or move one of them."
            )
        found[number] = path
    return found


def lesson_file(lesson: str | int | os.PathLike) -> Path:
    """Return the notebook of a lesson given as 1, '1', '01', '01_gradient_descent', or as a path.

    The small notebooks in `notebooks/small`, which lessons run, are found in the same way. A path
    is that file and no other.

    Raises:
        PlaceError: there is no such lesson; the message lists those there are.

    >>> lesson_file(1).stem
    '01_gradient_descent'
    """
    text = os.fspath(lesson) if isinstance(lesson, os.PathLike) else str(lesson)
    given = Path(text).expanduser()
    if isinstance(lesson, os.PathLike) or len(given.parts) > 1 or given.is_file():
        return _file(given)
    stem = text.removesuffix(".ipynb")
    number = stem.zfill(2) if stem.isdigit() else stem[:2]
    lessons = lesson_files()
    path = lessons.get(number) or _small_files().get(number)
    if path is None or stem not in (number, number.lstrip("0") or "0", path.stem):
        names = [path.stem for path in lessons.values()]
        near = difflib.get_close_matches(stem, [*names, *(n[3:] for n in names)], 1)
        there = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise LessonError(f"There is no lesson {text!r}; {there}: {', '.join(names)}")
    return path


def all_lesson_files() -> list[Path]:
    """Return the notebooks of all lessons and of the small ones that lessons run.

    >>> set(lesson_files().values()) < set(all_lesson_files())
    True
    """
    return [*lesson_files().values(), *_small_files().values()]


def misnamed_files() -> list[Path]:
    """Return notebooks that look like lessons but are not named like one: 20_MyLesson.ipynb."""
    found = sorted(notebooks().glob("[0-9][0-9]*.ipynb"))
    copies = re.compile(r".*-Copy[0-9]+")  # JupyterLab's
    return [p for p in found if not (_LESSON_NAME.fullmatch(p.stem) or copies.fullmatch(p.stem))]


def _file(path: Path) -> Path:
    """Return a notebook given by its path, with links on the way resolved."""
    path = Path(os.path.realpath(path.parent)) / path.name
    if not path.is_file():
        raise LessonError(f"There is no notebook {path}. `labkit list` shows the lessons.")
    if path.suffix != ".ipynb" or not _LESSON_NAME.fullmatch(path.stem):
        raise LessonError(
            f"{path} is not named like a lesson: two digits, then small letters, digits and _, "
            "such as 50_my_lesson.ipynb. Copy it under such a name."
        )
    return path


def _small_files() -> dict[str, Path]:
    found = sorted((notebooks() / "small").glob("[0-9][0-9]_*.ipynb"))
    return {path.name[:2]: path for path in found if _LESSON_NAME.fullmatch(path.stem)}
