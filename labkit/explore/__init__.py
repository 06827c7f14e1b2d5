"""Explorers: pictures that answer when a control is turned, and the one place that styles figures.

`kit.Explorer` is the base class, `figures` holds style and `show`; every other module is one
explorer with its maths taken from `labkit.maths` and its drawing done in ordinary matplotlib.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

    from labkit.explore.board.explorer import ResultsExplorer


def results(table: "DataFrame | str | int | None" = None, **options: Any) -> "ResultsExplorer":
    """Return the results explorer, a widget that shows all runs to filter, group and compare.

    A star marks the setting with the best mean over at least two runs with different seeds. The
    best of many single runs gets none: it was chosen by its luck, too. Colors go by the order in
    which the values of a group first ran.

    Args:
        table: a DataFrame of `labkit.results()`, a lesson such as "11", or None for all runs.
        lesson: the same as a lesson in the place of the table.
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        live: follow runs that are going on. Default: yes, unless a DataFrame is given. With True
            it also waits (a minute) for a sweep that has not begun yet.
        **options: where its controls start: view ("effect", "curves", "heat map", "parallel" or
            "trade-off"), result, better ("max" or "min"; default by the name of the result, where
            it tells), x, y, group, metric, band ("std", "interval" or "range"), second, filters
            such as {"optimizer": "adam", "dropout": (0.1, 0.3)}.

    Returns:
        The widget, with `.shown` (the runs that the filters leave), `.best`, `.text`, `.set()`,
        `.refresh()` and `.stop()`.

    Raises:
        ValueError: there is no such setting or column; the message names those there are.
        PlaceError: there is no such lesson.
    """
    from labkit.explore.board.explorer import ResultsExplorer

    return ResultsExplorer(table, **options)
