"""All runs as one HTML file: the explorer and its runs, no kernel and no network."""

import html
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import labkit
from labkit.explore.board.payload import as_script
from labkit.explore.board.runs import Runs, top_folder
from labkit.explore.board.settings import link_rules
from labkit.explore.board.words import bare, label
from labkit.explore.kit.script import script
from labkit.lab.records.entry import now

if TYPE_CHECKING:
    from pandas import DataFrame

_PLAIN = 50  # runs that a reader without JavaScript sees
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0 auto; padding: 8px 18px 20px; max-width: 1120px; background: Canvas;
  color: CanvasText; font: 14px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 13px; font-weight: 600; margin: 0 0 2px; opacity: 0.8; }}
table.plain {{ border-collapse: collapse; }}
table.plain td, table.plain th {{ text-align: left; padding: 2px 12px 2px 0; }}
footer {{ margin-top: 12px; font-size: 12px; opacity: 0.8; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>{made}</footer>
</body>
</html>
"""
_BODY = """<div id="explorer" data-own-page>
<p>This page shows its runs with JavaScript; here are some as text.</p>
{text}</div>
<script type="module">
{script}
revive(document.getElementById("explorer"), {state});
</script>"""


def page(
    table: "DataFrame", title: str | None = None, beside: str | os.PathLike | None = None
) -> str:
    """Return an HTML page with the results explorer of these runs: no kernel, no network.

    Args:
        table: as `labkit.results()` returns it.
        title: heading of the page; default "Results" with the lesson.
        beside: the folder in which the page will lie, for its links to the executed notebooks;
            None leaves the links out.
    """
    runs = Runs.of_table(table)
    titles = sorted(set(runs.payload["titles"].values()))
    title = title or ": ".join(["Results", *titles] if len(titles) == 1 else ["Results"])
    state = {"runs": runs.payload, "settings": {}, "live": False, "heading": 2}
    state["link"] = link_rules(runs.of())
    state["base"] = link_base(runs.table, beside)
    made = f"Made by labkit {labkit.__version__} on {now()[:16].replace('T', ' ')} UTC."
    return _PAGE.format(
        title=html.escape(title), made=html.escape(made), body=_body(_as_text(runs), state)
    )


def body(table: "DataFrame", pages: Mapping[str, str]) -> str:
    """Return the results explorer of these runs as a part of a page that has a heading.

    Args:
        table: as `labkit.results()` returns it.
        pages: run (lesson folder / run folder) -> the address of its page.
    """
    runs = Runs.of_table(table)
    state = {"runs": runs.payload, "settings": {}, "live": False, "heading": 2, "pages": pages}
    return _body(_as_text(runs), state)


def _body(text: str, state: dict) -> str:
    return _BODY.format(text=text, script=script("board/explorer"), state=as_script(state))


def link_base(table: "DataFrame", beside: str | os.PathLike | None) -> str | None:
    """Return the relative address from a page's folder to the results folder, with a slash.

    None where there is no way between them that would not name folders of this machine.
    """
    folder = top_folder(table)
    if folder is None or beside is None:
        return None
    relative = Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(beside)))
    steps_up = relative.parts.count("..")
    if len(relative.parts) - steps_up > (1 if steps_up else 3):
        return None
    return "".join(f"{quote(part)}/" for part in relative.parts) or "./"


def _as_text(runs: Runs) -> str:
    """Return the first runs as a plain HTML table, for readers without JavaScript."""
    left_out = ("key", "notebook", "page", "env")
    names = [name for name in runs.columns if name.partition(".")[0] not in left_out]
    rows = zip(*(runs.columns[name][:_PLAIN] for name in names), strict=True)
    texts = [["" if value is None else label(value) for value in row] for row in rows]
    lines = [[bare(name) for name in names], *texts]
    cells = ["".join(f"<td>{html.escape(text)}</td>" for text in line) for line in lines]
    return '<table class="plain">' + "".join(f"<tr>{line}</tr>" for line in cells) + "</table>"
