"""Explorers of lesson 02: four predictions under four losses, and a line beside an outlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from labkit.explore import figures, kit
from labkit.maths import losses as maths
from labkit.maths.losses import fit_three

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# --- four predictions ---------------------------------------------------------------------------

TARGETS = np.array([1.0, 0.0, 1.0, 0.0])  # the worked example of the source articles
PREDICTIONS = (0.7, 0.3, 0.8, 0.2)

LOSSES = {
    "mse": ("mean squared error", maths.mean_squared_error, maths.mean_squared_error_grad),
    "mae": ("mean absolute error", maths.mean_absolute_error, maths.mean_absolute_error_grad),
    "huber": ("Huber loss", maths.huber_loss, maths.huber_loss_grad),
    "cross_entropy": (
        "binary cross-entropy",
        maths.binary_cross_entropy,
        maths.binary_cross_entropy_grad,
    ),
}
_STYLES = dict(
    zip(LOSSES, [(figures.BLUE, "-"), (figures.ORANGE, "--"), (figures.PINK, "-."),
                 (figures.GRAY, ":")], strict=True)
)  # fmt: skip
_ERRORS = np.linspace(0, 1, 201)
_DELTA = 0.3  # with targets of 0 and 1, Huber's usual delta of 1 would never be reached
_TOP = 3.0  # highest loss of one sample that the picture shows


def evaluate(loss: str, predictions: ArrayLike) -> dict:
    """Return loss, gradient and the loss of each sample for the targets 1, 0, 1, 0.

    Args:
        loss: a name in `LOSSES`.
        predictions: four numbers in [0, 1].

    Returns:
        dict with loss, a number; gradient, array (4,); costs, array (4,), whose mean is the loss.

    >>> round(evaluate("mse", [0.7, 0.3, 0.8, 0.2])["loss"], 3)
    0.065
    """
    _, value, gradient = LOSSES[loss]
    more = {"delta": _DELTA} if loss == "huber" else {}
    predictions = np.asarray(predictions, dtype=float)
    pairs = zip(TARGETS[:, None], predictions[:, None], strict=True)
    return {
        "loss": value(TARGETS, predictions, **more),
        "gradient": gradient(TARGETS, predictions, **more),
        "costs": np.array([value(*pair, **more) for pair in pairs]),
    }


def _cost_of_error(loss: str) -> np.ndarray:
    """Return what one sample costs at each of `_ERRORS` = |prediction - target|."""
    more = {"delta": _DELTA} if loss == "huber" else {}
    value = LOSSES[loss][1]
    return np.array([value([0.0], [error], **more) for error in _ERRORS])


class PredictionExplorer(kit.Explorer):
    """Move four predictions; see the loss, each sample's part in it, and the gradient."""

    lesson = "02"
    view_only = ("first", "second", "third", "fourth")
    presets = {
        "the articles' example": dict(zip(view_only, PREDICTIONS, strict=True)),
        "all answers 0.5": dict.fromkeys(view_only, 0.5),
        "all answers 1": dict.fromkeys(view_only, 1.0),
        "one sure and wrong": {"first": 0.99, "second": 0.01, "third": 0.99, "fourth": 0.98},
    }
    size = (9.6, 3.8)

    def make_controls(self) -> dict:
        """Return the controls: which loss, and four predictions."""
        names = zip(self.view_only, TARGETS, PREDICTIONS, strict=True)
        return {
            "loss": kit.choice("mse", list(LOSSES)),
            **{
                name: kit.slider(start, 0.0, 1.0, description=f"{name}: target {target:.0f}")
                for name, target, start in names
            },
        }

    @staticmethod
    def compute(loss: str, first: float, second: float, third: float, fourth: float) -> dict:
        """Return loss, gradient and costs at these predictions."""
        return evaluate(loss, [first, second, third, fourth])

    def build(self, figure: Figure) -> dict:
        """Draw targets and predictions on the left, cost against error on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        left.set(xlim=(-0.5, 3.6), ylim=(-0.35, 1.35), xticks=range(4), yticks=[0, 0.5, 1])
        left.set_xticklabels(["first", "second", "third", "fourth"])
        left.set(ylabel="probability of class 1", title="predictions, pushed by the gradient")
        left.plot(TARGETS, "s", color=figures.GRAY, markersize=12, fillstyle="none")
        (dots,) = left.plot([], [], "o", color=figures.RED, zorder=4)
        (pushes,) = left.plot([], [], "-", color=figures.RED, linewidth=4, alpha=0.45)
        notes = [left.text(k + 0.1, 0.5, "", size=10, va="center") for k in range(4)]
        return {"dots": dots, "pushes": pushes, "notes": notes} | self._build_costs(right)

    def _build_costs(self, ax: Axes) -> dict:
        ax.set(xlim=(-0.02, 1.02), ylim=(0, _TOP), xlabel="error |prediction - target|")
        ax.set(ylabel="loss of one sample", title="the price of an error")
        for name, (color, dashes) in _STYLES.items():
            ax.plot(_ERRORS, _cost_of_error(name), dashes, color=color, alpha=0.6, label=name)
        ax.legend(loc="upper left")
        (chosen,) = ax.plot([], [], "-", color=figures.RED, linewidth=3, alpha=0.4)
        (marks,) = ax.plot([0], [0], "o", color=figures.RED, clip_on=False)
        return {"chosen": chosen, "marks": marks}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move dots, pushes and marks; write each gradient."""
        predictions = np.array([params[name] for name in self.view_only])
        # The push goes against the gradient; a very large one is drawn as far as the frame.
        ends = np.clip(predictions - result["gradient"], -0.3, 1.3)
        artists["dots"].set_data(np.arange(4), predictions)
        artists["pushes"].set_data(*_separate(np.arange(4.0), predictions, ends))
        for note, place, slope in zip(
            artists["notes"], predictions, result["gradient"], strict=True
        ):
            note.set_text(_short(slope))
            note.set_y(place)
        errors = np.abs(predictions - TARGETS)
        artists["chosen"].set_data(_ERRORS, _cost_of_error(params["loss"]))
        artists["marks"].set_data(errors, np.minimum(result["costs"], _TOP))

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the loss, and which samples cost most and are pushed most."""
        costs, gradient = result["costs"], result["gradient"]
        text = f"{LOSSES[params['loss']][0]}: {result['loss']:.4f}.".capitalize()
        if params["loss"] == "huber":
            text = f"Huber loss (delta {_DELTA}): {result['loss']:.4f}."
        if costs.max() < 1e-6:
            return text + " Every prediction is at its target."
        text += self._dearest(costs, gradient)
        if costs.max() > _TOP:
            text += f" A loss of {costs.max():.1f} lies above the picture."
        if params["loss"] == "cross_entropy" and 1.0 in np.abs(
            TARGETS - [params[name] for name in self.view_only]
        ):
            text += (
                " Sure and wrong: the true loss has no limit. Here the probability is cut "
                f"{maths.EPSILON:g} before 0 and 1, so the loss ends at "
                f"{-np.log(maths.EPSILON):.1f}, and where it is cut the gradient is 0."
            )
        return text

    def _dearest(self, costs: np.ndarray, gradient: np.ndarray) -> str:
        """Return which samples have the largest part of the loss: often it is more than one."""
        worst = np.flatnonzero(np.isclose(costs, costs.max(), rtol=1e-9))
        part = f"{costs.max() / costs.sum():.0%} of it"
        if len(worst) == 1:
            name, slope = self.view_only[worst[0]], _short(gradient[worst[0]])
            return f" The {name} sample has {part}; its gradient is {slope}."
        names = [self.view_only[k] for k in worst]
        those = f"The {', '.join(names[:-1])} and {names[-1]} samples have {part} each"
        size = _short(abs(gradient[worst[0]])).lstrip("+")
        return f" {those}; their gradients have the size {size}."


def _separate(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates of upright lines from low to high with a gap between neighbors."""
    gap = np.full(len(x), np.nan)
    return np.stack([x, x, gap], axis=1).ravel(), np.stack([low, high, gap], axis=1).ravel()


def _short(number: float) -> str:
    return f"{number:+.2f}" if abs(number) < 100 else f"{number:+.0e}"


# --- a line and an outlier ----------------------------------------------------------------------

X, Y = maths.POINTS
_LINES = {name: _STYLES[name] for name in ("mse", "mae", "huber")}


class OutlierExplorer(kit.Explorer):
    """Move one point away from twelve others; see what it does to the line of each loss."""

    lesson = "02"
    presets = {
        "no outlier": {"outlier": 11.0, "outlier_at": 9.0},
        "far above": {"outlier": 35.0, "outlier_at": 9.0},
        "far below": {"outlier": -15.0, "outlier_at": 9.0},
        "in the middle": {"outlier": 35.0, "outlier_at": 5.0},
        "far to the side": {"outlier": 0.0, "outlier_at": 20.0},
    }
    size = (9.6, 3.8)
    compute = staticmethod(fit_three)

    def make_controls(self) -> dict:
        """Return the controls: where the outlier is, and where Huber's parabola ends."""
        return {
            "outlier": kit.slider(25.0, -20.0, 40.0, 0.5, description="outlier, height y"),
            "outlier_at": kit.slider(9.0, 0.0, 20.0, 0.5, description="outlier, place x"),
            "delta": kit.log_slider(1.0, 0.1, 10.0, description="delta of Huber"),
        }

    def build(self, figure: Figure) -> dict:
        """Draw points and lines on the left, slope against the outlier's height on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
        left.plot(X, Y, "o", color=figures.GRAY)
        left.set(xlim=(-0.5, 21), ylim=(-22, 42), xlabel="x", ylabel="y", title="three best lines")
        right.set(xlim=(-22, 42), ylim=(-2.5, 4.5), xlabel="height y of the outlier")
        right.set(ylabel="slope of the line", title="what the outlier does")
        moving = {}
        for name, (color, dashes) in _LINES.items():
            (moving[name],) = left.plot([], [], dashes, color=color, label=name)
            (moving[f"{name} slope"],) = right.plot([], [], dashes, color=color)
        left.legend(loc="lower right")
        (moving["point"],) = left.plot([], [], "X", color=figures.RED, markersize=11)
        (moving["marks"],) = right.plot([], [], "o", color=figures.RED)
        return moving

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the lines, their slopes and the outlier."""
        ends = np.array([-0.5, 21.0])
        for name, (slope, intercept) in result["lines"].items():
            artists[name].set_data(ends, slope * ends + intercept)
            artists[f"{name} slope"].set_data(maths.HEIGHTS, result["slopes"][name])
        artists["point"].set_data([params["outlier_at"]], [params["outlier"]])
        slopes = [slope for slope, _ in result["lines"].values()]
        artists["marks"].set_data([params["outlier"]] * 3, slopes)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the three slopes, and the outlier's part of the squared error."""
        slopes = ", ".join(f"{name} {line[0]:.2f}" for name, line in result["lines"].items())
        x, y = np.append(X, params["outlier_at"]), np.append(Y, params["outlier"])
        slope, intercept = result["lines"]["mse"]
        errors = np.abs(slope * x + intercept - y)
        return (
            f"Slopes: {slopes}; without the outlier all are near 1. On the line of mse the "
            f"outlier makes {errors[-1] ** 2 / (errors**2).sum():.0%} of the squared error."
        )
