"""The explorer kit: controls -> a pure `compute` -> moving artists of a matplotlib figure.

`Explorer` computes in the kernel. Its figure is drawn off-screen, the static part once; a change
redraws only the moving artists and sends one picture, so the reader of an explorer meets ordinary
matplotlib. See `labkit/explore/start.py` for a short one. `PageExplorer` computes in the page, in
JavaScript of `labkit/explore/js`, so that it follows the pointer and lives without a kernel.
"""

from labkit.explore.kit.controls import (
    LogSlider,
    arranged,
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
from labkit.explore.kit.still import still_bundle
from labkit.explore.kit.walking import ExplorerError, headless, walks
