"""The explorer kit: controls -> a pure `compute` -> moving artists of a matplotlib figure.

`Explorer` computes in the kernel. Its figure is drawn off-screen, the static part once; a change
redraws only the moving artists and sends one picture, so the reader of an explorer meets ordinary
matplotlib. See `labkit/explore/start.py` for a short one. `PageExplorer` computes in the page, in
JavaScript of `labkit/explore/js`, so that it follows the pointer and lives without a kernel.
"""

from labkit.explore.kit.controls import (
    LogSlider,
    bounds,
    choice,
    log_slider,
    read,
    slider,
    switch,
    walk_values,
)
from labkit.explore.kit.copying import (
    CopyButtons,
    as_call,
    as_command,
    as_parameters,
    percent,
    short,
)
from labkit.explore.kit.explorer import Explorer
from labkit.explore.kit.page import PageExplorer, check_setting
from labkit.explore.kit.picture import Picture, draw_once
from labkit.explore.kit.walking import ExplorerError, headless, walks

__all__ = [
    "CopyButtons",
    "Explorer",
    "ExplorerError",
    "LogSlider",
    "PageExplorer",
    "Picture",
    "as_call",
    "as_command",
    "as_parameters",
    "bounds",
    "check_setting",
    "choice",
    "draw_once",
    "headless",
    "log_slider",
    "percent",
    "read",
    "short",
    "slider",
    "switch",
    "walk_values",
    "walks",
]

# Until no explorer is left that uses them: CopyButtons does their work.
import html
from pathlib import Path

import ipywidgets as widgets

# A widget that shows HTML runs no <script>, but an image in it may say what to do once loaded.
_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def _script():
    """A hidden child that runs kit.js in the page once."""
    code = html.escape((Path(__file__).with_name("kit.js")).read_text(encoding="utf-8"))
    host = widgets.HTML(f'<img alt="" src="{_PIXEL}" onload="{code}(this)">')
    host.layout.display = "none"
    return host


def _copy_html(texts):
    """Buttons that copy each text, and the texts to select by hand."""
    buttons = "".join(
        '<button type="button" class="jupyter-button widget-button labkit-copy" '
        f'style="width:auto;margin-right:4px" data-text="{html.escape(text)}">{label}</button>'
        for label, text in texts.items()
    )
    blocks = "".join(
        f'<pre style="user-select:text;margin:0.4em 0">{html.escape(text)}</pre>'
        for text in texts.values()
    )
    return (
        f'{buttons}<span class="labkit-copied" aria-live="polite" style="margin-left:0.6em"></span>'
        f"<details><summary>These settings as text</summary>{blocks}</details>"
    )
