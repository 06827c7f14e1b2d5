"""What the loops of both backends share: variables made ahead, an order cut into calls, caches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

# Steps run in one call. Python hears of Ctrl-C, and shows progress, only in between: with 100
# steps that is about once a second for a small network.
STEPS_PER_CALL = 100

Data = Any  # arrays of n examples each: x, or (x, y), or (x, y, sample_weight), as Keras packs them
Orders = Iterator[np.ndarray]  # one array of positions for each epoch
Train = Callable[..., Any]  # what Keras keeps as `model.train_function`


def fixed_batch(model: keras.Model) -> int | None:
    """Return how many examples each batch must hold, because a layer keeps a state for each.

    None: any number, as in most models. 0: not known yet.
    """
    layers = getattr(model, "_flatten_layers", tuple)()
    states = [getattr(layer, "states", None) for layer in layers if getattr(layer, "stateful", 0)]
    if not states:
        return None
    import keras

    return next((one.shape[0] for one in keras.tree.flatten(states) if one is not None), 0)


def create_variables(model: keras.Model, data: Data) -> bool:
    """Make weights, optimizer, loss and metrics exist, from shapes alone: nothing is computed.

    Args:
        model: a compiled Keras model; what it has already stays as it is.
        data: examples of the kind and shape that will come.

    Returns:
        True if Keras would have looked at a batch for this: anything but the optimizer was missing.
    """
    import keras

    parts = [getattr(model, "_compile_metrics", None), getattr(model, "_compile_loss", None)]
    parts += model._flatten_layers()
    missing = not all(getattr(part, "built", True) for part in parts if part is not None)
    batch = fixed_batch(model)
    kinds = keras.tree.map_structure(
        lambda each: keras.KerasTensor((batch, *each.shape[1:]), held_as(each.dtype)),
        data,
        none_is_leaf=False,
    )
    model._symbolic_build(data_batch=kinds)
    return missing


def held_as(kind: Any) -> str:
    """Return the name of the type in which the backend holds numbers of this type."""
    import keras

    if keras.backend.backend() != "jax":
        return str(kind)
    import jax

    return jax.dtypes.canonicalize_dtype(kind).name  # 32 bits for 64; newer JAX warns of those


def calls(order: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Yield (batches, first, end) for each call: the steps first to end - 1 of these batches.

    Batches are positions, (steps, batch); the whole ones come first, then the rest as one.

    >>> found = calls(np.arange(5), batch_size=2)
    >>> [(batches.tolist(), first, end) for batches, first, end in found]
    [([[0, 1], [2, 3]], 0, 2), ([[4]], 0, 1)]
    """
    whole = len(order) // batch_size * batch_size
    for batches in (order[:whole].reshape(-1, batch_size), order[None, whole:]):
        for first in range(0, len(batches) if batches.size else 0, STEPS_PER_CALL):
            yield batches, first, min(first + STEPS_PER_CALL, len(batches))


def leaves(data: Data) -> list:
    """Return the arrays of nested data, in Keras' order, without what is None."""
    import keras

    return [each for each in keras.tree.flatten(data) if each is not None]


def kinds(data: Data) -> tuple:
    """Return shape and type of an example in each array, as a key."""
    return tuple((tuple(each.shape[1:]), str(each.dtype)) for each in leaves(data))


def kept(model: keras.Model, key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made for the model with this key, as long as it is not compiled anew."""
    names = ("optimizer", "_compile_loss", "_compile_metrics")
    parts = [getattr(model, name, None) for name in names]
    before, found = model.__dict__.get("_labkit_loops", ([None] * len(parts), {}))
    if any(a is not b for a, b in zip(before, parts, strict=True)):
        found = {}
    if key not in found:
        found[key] = make()
    model.__dict__["_labkit_loops"] = parts, found  # past Keras, which would track it
    return found[key]


def placed_once(place: Callable[[Data], Data]) -> Callable[[Data], Data]:
    """Return place(data) that keeps the last one: the same data are placed once, for all epochs."""
    seen, there = None, None

    def placed(data: Data) -> Data:
        nonlocal seen, there
        if data is not seen:
            seen, there = data, place(data)
        return there

    return placed
