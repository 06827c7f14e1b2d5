"""What a viewer without a kernel gets of an explorer that computes in one: its picture, marked."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.explore import figures
from labkit.lab.phrases import translated

NOTE = "A picture: turning it needs Python. Open the lesson in JupyterLab to turn it."


def still_bundle(
    png: bytes,
    caption: str,
    width: int,
    explorer: str,
    params: Mapping[str, Any],
    data: Sequence[figures.Box] = (),
    note: bool = True,
) -> dict[str, str]:
    """Return the picture of an explorer as `figures.bundle` does, marked with what it shows.

    A page on which Python runs finds `figure.labkit-still` by its mark, and can put the live
    explorer in its place.

    Args:
        png: bytes of the PNG file.
        caption: alt text and visible caption at once.
        width: width on the page in CSS pixels.
        explorer: name of its class.
        params: its settings, plain data.
        data: parts that keep their colors on a dark page, see `figures.data_boxes`.
        note: whether to say below it that it is a picture.

    Raises:
        TypeError: a setting is no plain data; JSON's message names its type.

    >>> bundle = still_bundle(b"", "A line.", 10, "StartExplorer", {"steps": 0})
    >>> bundle["text/html"][:94]
    '<figure class="labkit-still" data-explorer="StartExplorer" data-params="{&quot;steps&quot;: 0}'
    """
    forms = figures.bundle(png, caption, width, data)
    settings = html.escape(json.dumps(dict(params)))
    mark = f'class="labkit-still" data-explorer="{explorer}" data-params="{settings}"'
    said = f'<p class="labkit-still-note">{translated(NOTE)}</p>' if note else ""
    return forms | {
        "text/html": forms["text/html"].replace("<figure ", f"<figure {mark} ", 1) + said
    }
