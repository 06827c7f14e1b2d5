"""A reveal.js deck by nbconvert, with reveal.js beside it instead of from another host."""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from labkit.lab.classroom.students import ClassError

FOLDER = "reveal"  # beside the slides
TRIED = "4.6.1"
_NEEDED = ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "dist/theme/black.css")
_NEEDED += ("plugin/notes/notes.js",)
_COPIED = ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "dist/theme/black.css")
_COPIED += ("dist/theme/fonts", "plugin/notes", "LICENSE", "package.json")
_TEMPLATES = Path(__file__).parent / "templates"


def check(library: str | os.PathLike) -> None:
    """Refuse a folder that is not npm's package reveal.js.

    Raises:
        ClassError: a file is missing that the slides need.
    """
    folder = Path(library).expanduser()
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise ClassError(
            f"{folder} is not a reveal.js of this kind: {missing[0]} is not in it. Get version "
            f"{TRIED}: npm pack reveal.js@{TRIED} && tar xzf reveal.js-{TRIED}.tgz, then name the "
            "folder `package`."
        )


def copy(library: str | os.PathLike, out: Path) -> None:
    """Copy what slides need of reveal.js into OUT/reveal, with its license.

    Raises:
        OSError: it cannot be copied.
    """
    folder, to = Path(library).expanduser(), out / FOLDER
    for name in _COPIED:
        path = folder / name
        if path.is_dir():
            shutil.copytree(path, to / name, dirs_exist_ok=True)
        elif path.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to / name)


def deck(title: str, slides: Sequence[tuple[str, str, str, bool]]) -> str:
    """Return slides as a reveal.js deck; an answer lies below its question.

    Args:
        title: as text.
        slides: (heading as text, body as HTML, kind, whether it is an answer).
    """
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(
        template_name="labkit_slides",
        extra_template_basedirs=[str(_TEMPLATES)],
        reveal_url_prefix=FOLDER,
        reveal_theme="white",  # nbconvert's own asks fonts.googleapis.com
        exclude_input=True,
        exclude_output_prompt=True,
    )
    page, _ = exporter.from_notebook_node(_notebook(title, slides))
    return page


def _notebook(title: str, slides: Sequence[tuple[str, str, str, bool]]):
    """Return a notebook with a cell a slide: HTML as output, so that no Markdown is made of it."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    cells = []
    for heading, body, kind, is_answer in slides:
        level = "h1" if kind == "title" else "h2"
        page = f'<div class="slide {kind}"><{level}>{html.escape(heading)}</{level}>{body}</div>'
        output = new_output("display_data", {"text/html": page})
        place = "subslide" if is_answer else "slide"
        cells.append(new_code_cell(outputs=[output], metadata={"slideshow": {"slide_type": place}}))
    return new_notebook(cells=cells, metadata={"title": title})
