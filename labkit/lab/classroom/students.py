"""Student copies of the lessons: stubs and checks stay, solutions and verdicts go.

The folder that is written is a lab of its own, as `LABKIT_HOME` names one: `notebooks/` with the
copies, `data/` with the glossary and the ledger. So `labkit open`, `list`, `progress` and `reset`
work on it as on the lab itself, and a learner's own copies lie in its folder `learner/`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import labkit
from labkit.lab import copies, files, places
from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson, tags
from labkit.lab.pages import contents
from labkit.lab.runs import runner
from labkit.lab.words import count

MARK = "class.json"  # in a folder of student copies; a folder without it is not written into
README = "README.md"
_BESIDE = ("full.yml", "measured.csv")
_DATA = ("claims.csv", "glossary.csv", "references.csv")
# A lesson -> those of which it computes rows of the ledger again, so that they must be there too.
_ALSO = {"90": ("01", "02", "03", "04", "05")}
_OWN = {MARK, README, "notebooks", "data"}

_SOLUTION = re.compile(
    r"\n*<details>\s*<summary>\s*Solution\s*</summary>.*?</details>\n*", re.DOTALL
)
# A sentence that goes on from a claim's card to its verdict.
_VERDICT = re.compile(r" ?\b(?:This one|The \w+ card) (?:holds|is wrong)\b[^.\n]*\.")
_SHOWN = ("claim", "claim_table")  # names whose place in a student's copy is `learn.asked`
_VERDICT_CELL = "**Your verdict** on the statement above, and the reason:\n\n..."


class ClassError(ValueError):
    """A folder or call that `labkit class` cannot work with; the message says what to do."""


@dataclass(frozen=True)
class Copy:
    """What became of one student copy."""

    lesson: Lesson
    path: Path
    solutions: int  # how many were taken out
    verdicts: int  # how many cells ask for one
    ran: bool | None  # None: not run
    told: str = ""  # why it did not run


def told(copy: Copy) -> str:
    """Return a line about a copy.

    >>> told(Copy(lessons.read("01"), Path("a"), 4, 3, None))
    '01  4 solutions out, 3 cells ask for a verdict: written, not run'
    """
    verdicts = f", {count(copy.verdicts, 'cell')} {'asks' if copy.verdicts == 1 else 'ask'} for a "
    what = f"{copy.lesson.number}  {count(copy.solutions, 'solution')} out"
    what += f"{verdicts}verdict" if copy.verdicts else ""
    ran = {None: "written, not run", True: "runs", False: f"DOES NOT RUN: {copy.told}"}
    return f"{what}: {ran[copy.ran]}"


# --- one notebook -------------------------------------------------------------------------------


def stripped(content: dict) -> dict:
    """Return a lesson as students get it: without solutions, without verdicts of claims.

    Stubs, checks, hints and predictions stay; so do the tags that keep answers covered.

    Args:
        content: a notebook as `lesson.content` returns it; it is not changed.

    >>> cells = [{"cell_type": "markdown", "id": "a", "metadata": {"tags": ["solution"]},
    ...     "source": "<details><summary>Solution</summary>x = 1</details>"}]
    >>> stripped({"cells": cells})["cells"]
    []
    """
    cells: list[dict] = []
    for cell in content["cells"]:
        new = _without_answers(cell)
        if new is None:
            continue
        cells.append(new)
        if _asks_for_a_verdict(cell):
            cells.append(_verdict_cell(cell))
    return content | {"cells": cells}


def _without_answers(cell: dict) -> dict | None:
    """Return a cell as students get it, None if nothing is left of it."""
    source = cell["source"]
    if "solution" in tags(cell):
        source = _SOLUTION.sub("\n", source).strip()
        if not source:
            return None
    elif cell["cell_type"] == "markdown":
        source = _VERDICT.sub("", source)
    elif "labkit.lab" in source:
        source = _asking(source)
    empty = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return cell | {"source": source} | empty


def _asking(source: str) -> str:
    """Return code that takes `claim` and `claim_table` from where the verdict is asked for."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if not isinstance(node, ast.ImportFrom) or node.module != "labkit.lab":
            continue
        moved = [each.name for each in node.names if each.name in _SHOWN]
        if not moved:
            continue
        kept = [each for each in node.names if each.name not in _SHOWN]
        new = [f"from labkit.lab import {', '.join(map(ast.unparse, kept))}"] if kept else []
        new.append(f"from labkit.learn.asked import {', '.join(moved)}")
        lines[node.lineno - 1 : node.end_lineno] = new
    return "\n".join(lines)


def _asks_for_a_verdict(cell: dict) -> bool:
    """Return whether a cell shows single statements: a table of many has a column for it."""
    return cell["cell_type"] == "code" and bool(re.search(r"\bclaim\(", cell["source"]))


def _verdict_cell(cell: dict) -> dict:
    """Return the cell for a student's verdict; it is covered as long as the statement is."""
    covered = [tag for tag in ("answer",) if tag in tags(cell)]
    return {
        "cell_type": "markdown",
        "id": f"{cell['id']}-verdict",
        "metadata": {"tags": covered} if covered else {},
        "source": _VERDICT_CELL,
    }


def solutions(content: dict) -> list[str]:
    """Return the code of the solutions of a lesson.

    >>> solutions(lessons.read("01").content)[0].splitlines()[-1].strip()
    'return w - learning_rate * gradient'
    """
    told = [cell["source"] for cell in content["cells"] if "solution" in tags(cell)]
    blocks = [part for text in told for part in _SOLUTION.findall(text)]
    return [code for part in blocks for code in re.findall(r"```python\n(.*?)```", part, re.DOTALL)]


# --- a folder of them ---------------------------------------------------------------------------


def make(
    out: str | os.PathLike,
    names: Sequence[str] = (),
    *,
    run: bool = True,
    tell: Callable[[str], Any] = print,
    on_copy: Callable[[Copy], Any] = lambda copy: None,
    on_cell: Callable[[Lesson, int, int], Any] = lambda *told: None,
) -> list[Copy]:
    """Write student copies of lessons into a folder; a second call brings them up to date.

    What a student wrote into a copy is carried into its new version, and the old copy is kept.

    Args:
        out: the folder; it is made. One that holds something else is refused.
        names: the lessons, "01" or their names; none means all.
        run: whether each copy is executed once, as a proof that it runs.
        tell: gets a sentence on what was kept.
        on_copy: gets each copy when it is done.
        on_cell: gets (lesson, cell, cells) while a copy runs.

    Raises:
        ClassError: the folder holds something else, or cannot be written.
        PlaceError: there is no such lesson.
    """
    chosen = _chosen(names)
    out = Path(out).expanduser().absolute()
    _check_folder(out)
    try:
        every = _in_folder(out, chosen)
        paths = {each.number: _write(out, each, every, tell) for each in every}
        _write_beside(out, every, tell)
    except OSError as error:
        raise ClassError(f"{out} cannot be written: {error.strerror or error}") from error
    made = []
    _tell_added(chosen, tell)
    for lesson in chosen:
        ran, told = _prove(lesson, paths[lesson.number], out, on_cell) if run else (None, "")
        made.append(_made(lesson, paths[lesson.number], ran, told))
        on_copy(made[-1])
    _tell_kept(out, tell)
    return made


def _chosen(names: Sequence[str]) -> list[Lesson]:
    if not names:
        return lessons.read_all()
    found = {lesson.number: lesson for lesson in map(lessons.read, names)}
    for lesson in found.values():
        if lesson.path.parent != places.home() / "notebooks":
            raise ClassError(f"{lesson.path} is none of the lab's lessons; `labkit list` has them.")
    return [found[number] for number in sorted(found)]


def _check_folder(out: Path) -> None:
    """Refuse a folder that was not made here, and the lab's own."""
    if (places.home() / MARK).exists():
        raise ClassError(
            f"{places.home()} holds student copies itself. Unset LABKIT_HOME, or set it to the lab."
        )
    if out.resolve() == places.home():
        raise ClassError(f"{out} is the lab itself; name another folder.")
    if not out.exists():
        return
    if not out.is_dir():
        raise ClassError(f"{out} is a file; name a folder.")
    inside = sorted(path.name for path in out.iterdir())
    if inside and MARK not in inside:
        shown = ", ".join(inside[:3]) + (", ..." if len(inside) > 3 else "")
        raise ClassError(
            f"{out} holds something else ({shown}). Name a new or empty folder, or one that "
            "`labkit class make` has made."
        )


def _in_folder(out: Path, chosen: list[Lesson]) -> list[Lesson]:
    """Return the lessons that the folder will hold: these, and those of earlier calls."""
    there = {path.name for path in (out / "notebooks").glob("*.ipynb")}
    numbers = {lesson.number for lesson in chosen}
    numbers |= {also for number in numbers for also in _ALSO.get(number, ())}
    every = lessons.read_all()
    return [each for each in every if each.number in numbers or each.path.name in there]


def _write(out: Path, lesson: Lesson, every: list[Lesson], tell: Callable[[str], Any]) -> Path:
    """Write the copy of one lesson, with links to the lessons that the folder holds."""
    content = json.loads(json.dumps(lesson.content))
    given = stripped(content | {"cells": contents.written(lesson, every)})
    path = out / "notebooks" / lesson.path.name
    copies.update(path, copies.prepared(given), tell)
    return path


def _write_beside(out: Path, every: list[Lesson], tell: Callable[[str], Any]) -> None:
    """Write index, glossary, data and the page for students."""
    home, notebooks = places.home(), out / "notebooks"
    index = lessons.content(home / "notebooks" / "index.ipynb")
    index["cells"][0]["source"] = contents.with_table(index["cells"][0]["source"], every)
    copies.update(notebooks / "index.ipynb", copies.prepared(index), tell)
    glossary = lessons.content(home / "notebooks" / "glossary.ipynb")
    copies.update(notebooks / "glossary.ipynb", copies.prepared(glossary), tell)
    for name in _BESIDE:
        _copy(home / "notebooks" / name, notebooks / name)
    for path in sorted((home / "notebooks" / "small").glob("*.ipynb")):
        _copy(path, notebooks / "small" / path.name)
    for name in _DATA:
        _copy(home / "data" / name, out / "data" / name)
    files.write(out / README, readme(every))
    mark = {"made by": "labkit class make", "labkit": labkit.__version__}
    files.write_json(out / MARK, mark | {"lessons": [lesson.name for lesson in every]})


def _copy(path: Path, to: Path) -> None:
    if path.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        files.write(to, path.read_bytes())


def _made(lesson: Lesson, path: Path, ran: bool | None, told: str) -> Copy:
    asked = sum(map(_asks_for_a_verdict, lesson.content["cells"]))
    return Copy(lesson, path, len(solutions(lesson.content)), asked, ran, told)


def _tell_added(chosen: list[Lesson], tell: Callable[[str], Any]) -> None:
    there = {lesson.number for lesson in chosen}
    for number in sorted(there & set(_ALSO)):
        if added := [n for n in _ALSO[number] if n not in there]:
            tell(f"Lesson {number} computes again what these have: {', '.join(added)} come along.")


def _tell_kept(out: Path, tell: Callable[[str], Any]) -> None:
    kept = sorted(path.name for path in out.iterdir() if path.name not in _OWN)
    if kept:
        tell(f"Left as it is in {out}: {', '.join(kept)}.")


# --- the proof that a copy runs -----------------------------------------------------------------


def _prove(
    lesson: Lesson, path: Path, out: Path, on_cell: Callable[[Lesson, int, int], Any]
) -> tuple[bool, str]:
    """Run a copy once in a scratch folder; return whether it ran, and what went wrong."""
    from tempfile import mkdtemp

    scratch = mkdtemp(prefix="labkit-class-")
    try:
        run = runner.run(
            path,
            folder=scratch,
            page=False,
            environment={"LABKIT_HOME": str(out)},
            on_cell=lambda index, number: on_cell(lesson, index, number),
        )
        return run.ok, "" if run.ok else run.record.message
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


# --- the page for students ----------------------------------------------------------------------


def readme(every: list[Lesson]) -> str:
    """Return the page for students, Markdown.

    >>> "labkit open 01" in readme(lessons.read_all()[:2])
    True
    """
    listed = "\n".join(
        f"| {each.number} | [{each.title}](notebooks/{each.path.name}) | {each.minutes} | "
        f"{each.before} |"
        for each in every
    )
    first = next((each.number for each in every if each.number != "00"), every[0].number)
    return _README.format(lessons=count(len(every), "lesson"), first=first, listed=listed)


_README = """# Your deep-learning lab

{lessons}. You need labkit on your machine, or the address of your class's JupyterHub.

```bash
cd this-folder
export LABKIT_HOME=$PWD      # PowerShell: $env:LABKIT_HOME = $PWD
labkit open {first}               # your own copy of the lesson, in JupyterLab
labkit progress              # how far you are, and what comes next
labkit reset {first}              # a lesson as it was given; your answers are kept
```

- **Run** one cell after another with Shift+Enter.
- **Predict** before you look. The first guess is kept; a wrong one costs nothing.
- **Write** where `...` stands, run the cell, then the check below it. The check says what kind of
  mistake it was. Until your answer is right, the lesson runs on the lab's own, so no mistake stops
  you. A hint is folded below each exercise.
- **Judge**: some cards show what an article states beside what the lesson computed. Whether it
  holds is for you to say, in the cell below the card.

What you write lies in `learner/`, and so does `learner/progress.jsonl`: your guesses and checks,
with their times. It is sent nowhere. Hand it in only if you want to, or if your class agreed to;
it is a text file, and you can read all of it before.

| | lesson | minutes | before it |
| --- | --- | --: | --- |
{listed}
"""
