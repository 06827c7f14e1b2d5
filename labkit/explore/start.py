"""The first explorer: a line learns to fit twelve flowers."""

import numpy as np

from labkit.explore import figures, kit
from labkit.lab.words import count

# Petal length and petal width, in cm, of twelve iris flowers of three kinds (R. A. Fisher, 1936).
FLOWERS = np.array(
    [
        (1.4, 0.2), (1.5, 0.4), (1.9, 0.2), (3.0, 1.1), (3.3, 1.0), (3.5, 1.0),
        (4.5, 1.7), (4.7, 1.4), (4.8, 1.8), (5.7, 2.5), (6.0, 2.5), (6.9, 2.3),
    ]
)  # fmt: skip

TOO_LARGE = 1000.0  # cm^2; the loss starts below 3, so beyond this the run has diverged and stops


def fit_line(learning_rate, steps):
    """What gradient descent finds for width = w * length + b, started at w = 0, b = 0.

    The loss is the mean squared error, in cm^2.

    Args:
        learning_rate: size of a step along the negative gradient, above 0.
        steps: how many steps, 0 or more.

    Returns:
        dict with w, b and loss after the last step done; losses, array of the loss after 0, 1, ...
        steps, shorter when the run diverged and was stopped; predictions, array (12,) in cm;
        best_loss, the smallest possible loss; largest_stable_rate, above which the steps grow;
        diverged, whether the run was stopped.

    >>> round(fit_line(learning_rate=0.01, steps=20)["loss"], 3)
    0.081
    """
    length, width = FLOWERS.T
    w = b = 0.0
    losses = [float(np.mean(width**2))]
    for _ in range(steps):
        error = w * length + b - width
        w, b = w - learning_rate * 2 * np.mean(error * length), b - learning_rate * 2 * error.mean()
        losses.append(float(np.mean((w * length + b - width) ** 2)))
        if losses[-1] > TOO_LARGE:
            break
    return {
        "w": float(w),
        "b": float(b),
        "loss": losses[-1],
        "losses": np.array(losses),
        "predictions": w * length + b,
        "best_loss": _best_loss(),
        "largest_stable_rate": _largest_stable_rate(),
        "diverged": losses[-1] > TOO_LARGE,
    }


def _best_loss():
    """Loss of the least-squares line, which no line can beat."""
    length, width = FLOWERS.T
    line = np.polyfit(length, width, 1)
    return float(np.mean((np.polyval(line, length) - width) ** 2))


def _largest_stable_rate():
    """2 / largest curvature of the loss: a longer step overshoots by more than it came from."""
    length = FLOWERS[:, 0]
    curvature = 2 * np.array([[np.mean(length**2), length.mean()], [length.mean(), 1.0]])
    return float(2 / np.linalg.eigvalsh(curvature)[-1])


class StartExplorer(kit.Explorer):
    """Turn the learning rate and the number of steps; see the line, its squares and the loss."""

    lesson = "00"
    # The names do not tell what happens: the reader is to predict it.
    presets = {
        "rate 0.001": {"learning_rate": 0.001, "steps": 20},
        "rate 0.03": {"learning_rate": 0.03, "steps": 20},
        "rate 0.06": {"learning_rate": 0.06, "steps": 20},
    }
    size = (9.6, 3.5)
    compute = staticmethod(fit_line)

    def make_controls(self):
        """Two sliders."""
        return {
            "learning_rate": kit.log_slider(0.01, 0.001, 0.1),
            "steps": kit.slider(20, 0, 100),
        }

    def build(self, figure):
        """Flowers and line on the left, loss on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
        return self._build_line(left) | self._build_loss(right)

    def _build_line(self, ax):
        from matplotlib.collections import PolyCollection

        # Equal axes: a square drawn from point to line then has the area of the squared error.
        ax.set(xlim=(0, 8.4), ylim=(-0.6, 4.0), aspect="equal")
        ax.set(xlabel="petal length (cm)", ylabel="petal width (cm)", title="flowers and line")
        ax.plot(*FLOWERS.T, "o", color=figures.GRAY, zorder=4)
        squares = PolyCollection([], facecolor=figures.ORANGE, edgecolor=figures.RED, alpha=0.3)
        ax.add_collection(squares, autolim=False)
        (line,) = ax.plot([], [], "-", color=figures.BLUE)
        note = ax.text(4.2, 3.6, "", ha="center", va="center", color=figures.RED, size=13)
        return {"squares": squares, "line": line, "note": note}

    def _build_loss(self, ax):
        ax.set(xlim=(-2, 102), ylim=(0.02, TOO_LARGE * 4), yscale="log")
        ax.set(xlabel="step", ylabel="loss: mean square (cm²)", title="loss after each step")
        best = _best_loss()
        ax.axhline(best, color=figures.GRAY, linestyle=":")
        ax.text(100, best * 1.2, "best possible", ha="right", color=figures.GRAY, size=10)
        (curve,) = ax.plot([], [], "-", color=figures.BLUE)
        (now,) = ax.plot([], [], "o", color=figures.RED)
        return {"curve": curve, "now": now}

    def paint(self, artists, result, params):
        """Move line, squares and curve."""
        diverged = result["diverged"]
        ends = np.array([0.0, 8.4])
        artists["line"].set_data(ends, result["w"] * ends + result["b"])
        artists["squares"].set_verts([] if diverged else _squares(result["predictions"]))
        artists["note"].set_text("the line has left the picture" if diverged else "")
        steps = np.arange(len(result["losses"]))
        artists["curve"].set_data(steps, result["losses"])
        artists["now"].set_data(steps[-1:], result["losses"][-1:])

    def caption(self, result, params):
        """What the line is, or that it diverged."""
        rate, steps = params["learning_rate"], params["steps"]
        limit = result["largest_stable_rate"]
        if result["diverged"]:
            return (
                f"Diverged: at learning rate {rate:g} each step overshoots further, and after "
                f"{count(len(result['losses']) - 1, 'step')} the loss is above "
                f"{TOO_LARGE:,.0f} cm². The limit here is {limit:.4f}."
            )
        line = f"width = {result['w']:.2f} × length {result['b']:+.2f}"
        told = (
            f"After {count(steps, 'step')} at learning rate {rate:g} the line is {line}; the mean "
            f"square is {result['loss']:.3g} cm² (best possible: {result['best_loss']:.3g})."
        )
        if rate > limit and steps:
            told += f" It is growing: the rate is above the limit of {limit:.4f}."
        return told


def _squares(predictions):
    """Corners, array (12, 4, 2), of a square on each vertical distance from point to line."""
    length, width = FLOWERS.T
    side = np.abs(predictions - width)
    # The square opens to the right; its upright edge is the error itself.
    x = np.stack([length, length, length + side, length + side], axis=1)
    y = np.stack([width, predictions, predictions, width], axis=1)
    return np.stack([x, y], axis=2)
