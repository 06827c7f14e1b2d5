"""The first network of the lab: a line that learns to fit twelve flowers. Lesson: 00_start_here."""

import numpy as np

from labkit.maths.descent import largest_stable_rate, linear_gradient, linear_hessian, linear_loss

# Petal length and petal width, in cm, of twelve iris flowers of three kinds (R. A. Fisher, 1936).
FLOWERS = np.array(
    [
        (1.4, 0.2), (1.5, 0.4), (1.9, 0.2), (3.0, 1.1), (3.3, 1.0), (3.5, 1.0),
        (4.5, 1.7), (4.7, 1.4), (4.8, 1.8), (5.7, 2.5), (6.0, 2.5), (6.9, 2.3),
    ]
)  # fmt: skip
_X = np.column_stack([FLOWERS[:, 0], np.ones(len(FLOWERS))])  # the weight of the ones is b
_WIDTH = FLOWERS[:, 1]

TOO_LARGE = 1000.0  # cm^2; the loss starts below 3, so beyond this the run has diverged and stops


def fit_line(learning_rate: float, steps: int) -> dict:
    """Return what gradient descent finds for width = w * length + b, started at w = 0, b = 0.

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
    line = np.zeros(2)  # w, b
    losses = [linear_loss(line, _X, _WIDTH)]
    for _ in range(steps):
        line = line - learning_rate * linear_gradient(line, _X, _WIDTH)
        losses.append(linear_loss(line, _X, _WIDTH))
        if losses[-1] > TOO_LARGE:
            break
    return {
        "w": float(line[0]),
        "b": float(line[1]),
        "loss": losses[-1],
        "losses": np.array(losses),
        "predictions": _X @ line,
        "best_loss": best_loss(),
        "largest_stable_rate": largest_stable_rate(linear_hessian(_X)),
        "diverged": losses[-1] > TOO_LARGE,
    }


def best_loss() -> float:
    """Return the loss of the least-squares line, which no line can beat, in cm^2.

    >>> round(best_loss(), 3)
    0.046
    """
    line = np.linalg.lstsq(_X, _WIDTH)[0]
    return linear_loss(line, _X, _WIDTH)
