"""Let `model.fit` on TensorFlow trace a training step once: Keras' own way traces it twice.

Keras creates the variables of the optimizer and the metrics amid the first trace, and TensorFlow
then throws that trace away, as a graph can use variables, not create them. Created before, the
same variables leave one trace, the one that trained anyway: every number stays, bit for bit.
"""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import Any


def trace_once() -> None:
    """From now on create what a training needs before it is traced, in plain models of layers.

    A model of a class of its own, one that runs eagerly, and one with an unbuilt layer are left to
    Keras; so is one for which anything fails here, so that Keras can say why.
    """
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer as Trainer

    symbolic_build, make_train_function = Trainer._maybe_symbolic_build, Trainer.make_train_function

    @wraps(symbolic_build)
    def with_metrics(model: Any, iterator: Any = None, data_batch: Any = None) -> None:
        if iterator is not None and _is_plain(model):
            with suppress(Exception):
                _build_metrics(model, iterator._get_iterator().element_spec)
        symbolic_build(model, iterator=iterator, data_batch=data_batch)

    @wraps(make_train_function)
    def with_optimizer(model: Any, force: bool = False) -> None:
        if model.optimizer is not None and not model.optimizer.built and _is_plain(model):
            with suppress(Exception):
                _build_optimizer(model.optimizer, model.trainable_weights)
        make_train_function(model, force=force)

    Trainer._maybe_symbolic_build, Trainer.make_train_function = with_metrics, with_optimizer


def _is_plain(model: Any) -> bool:
    """Tell whether a model is made of built layers only, and its steps are Keras' own."""
    import keras
    from keras.src.models.functional import Functional

    return (
        type(model) in (keras.Sequential, Functional)
        and not model.run_eagerly
        and model._distribute_strategy is None
        and all(layer.built for layer in model._flatten_layers())
    )


def _build_metrics(model: Any, kinds: Any) -> None:
    """Create metrics and losses from the shapes and types of a batch: nothing is computed."""
    import keras
    from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight

    _, y, _ = unpack_x_y_sample_weight(kinds)
    y = keras.tree.map_structure(lambda kind: keras.KerasTensor(kind.shape, kind.dtype.name), y)
    for part in (model._compile_metrics, model._compile_loss):
        if part is not None and not part.built:
            part.build(y, getattr(model, "_functional", model).output)


def _build_optimizer(optimizer: Any, weights: list) -> None:
    import keras

    with keras.name_scope(optimizer.name, caller=optimizer):  # names as Keras gives them
        optimizer.build(weights)
