"""A dense network as `pack` and the digit explorer see one, without Keras."""

import types

from labkit.maths import backprop as maths


class PlainDense:
    """A layer as `pack` sees one."""

    def __init__(self, W, b, activation):
        self.name, self._weights = "a layer", [W, b]
        self.activation = types.SimpleNamespace(__name__=activation)

    def get_weights(self):
        return self._weights


PlainDense.__name__ = "Dense"  # `pack` knows layers by their name


def plain_network(hidden=30, seed=3):
    """An untrained network with clear opinions."""
    layers = maths.glorot_layers([784, hidden, 10], seed)
    (W1, b1), (W2, b2) = [(3 * W, b + 0.1) for W, b in layers]
    return types.SimpleNamespace(layers=[PlainDense(W1, b1, "relu"), PlainDense(W2, b2, "softmax")])
