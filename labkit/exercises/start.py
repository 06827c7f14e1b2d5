"""Exercises of lesson 00, Start here: a first function, and a first pair of runs to compare."""

import os

from labkit.learn.checks import Exercise, Feedback

prediction = Exercise(
    name="prediction",
    lesson="00",
    right=lambda length, w, b: w * length + b,
    cases=[(1.4, 0.5, -0.2), (6.0, 0.3, 0.1), (2.0, -1.0, 3.0)],
    mistakes={
        "the intercept is missing": (
            lambda length, w, b: w * length,
            "You left out b. Set w to 0: the line should then lie at height b, yours lies at 0.",
        ),
        "w and b are swapped": (
            lambda length, w, b: b * length + w,
            "Set the length to 0: the line should then lie at height b, yours lies at height w.",
        ),
        "a sum instead of a product": (
            lambda length, w, b: w + length + b,
            "You added w to the length. A slope multiplies: twice the length, twice its effect.",
        ),
        "b is multiplied too": (
            lambda length, w, b: w * (length + b),
            "You multiplied b by w as well: your parentheses hold too much.",
        ),
        "the sign of b": (
            lambda length, w, b: w * length - b,
            "Set w to 0: the line should then lie at height b, yours lies at height -b.",
        ),
    },
    hint="How wide is a petal of length 0? And how much wider does each further cm make it?",
)

YOURS = ["started", "param.learning_rate", "param.steps", "result.loss", "result.diverged"]


def your_rows(table):
    """Return the rows that a learner made in JupyterLab, and of those the columns to compare.

    Args:
        table: the pandas table of `results("00")`; rows of headless runs are left out.

    Returns:
        A pandas table: started, param.learning_rate, param.steps, result.loss (in cm^2, of the
        last step done) and result.diverged (whether the run was stopped).
    """
    live = table.reindex(columns=["env.mode"])["env.mode"] == "live"
    rows = table[live].reindex(columns=YOURS).reset_index(drop=True)
    rows["started"] = rows["started"].astype(str).str[:19]  # to the second
    return rows


def settings(rows):
    """Return the different (learning_rate, steps) of a learner's rows, in the order first tried."""
    # A row has no parameters when the saved second cell could not be read, so drop those.
    columns = rows[YOURS[1:3]].dropna().drop_duplicates()
    return [(float(rate), int(steps)) for rate, steps in columns.itertuples(index=False)]


def check_rows(rows):
    """Return feedback on the learner's rows: two with different settings are the goal.

    Args:
        rows: what `your_rows` returned.
    """
    if os.environ.get("LABKIT_HEADLESS"):
        return _say(
            "not tried",
            "This copy ran without a reader (headlessly). Its row is written when the run ends: "
            "labkit results 00 shows it. Open the lesson in JupyterLab to make rows of your own.",
        )
    tried = len(settings(rows))
    if tried == 0:
        return _say("not tried", "No row yet: run the cell with record(...), then this one.")
    if tried == 1:
        return _say(
            "not tried",
            "One row so far: change learning_rate in the second cell, then choose "
            "Run > Run All Cells.",
        )
    losses = rows["result.loss"]
    return _say(
        "right",
        f"{tried} settings, {tried} rows to compare. The smallest loss so far is "
        f"{losses.min():.3g} cm², with learning_rate = "
        f"{rows['param.learning_rate'][losses.idxmin()]:g}.",
    )


def _say(kind, message):
    return Feedback("rows", kind, message)
