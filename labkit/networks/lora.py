"""LoRA: a trained network stays as it is, and a product of two thin matrices learns beside it.

Lesson: 16_language_models.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.networks.backend import keras

Tensor = Any  # of whatever backend Keras runs on
Product = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]


def lora_product(x: Tensor, W: Tensor, A: Tensor, B: Tensor, scale: float) -> Tensor:
    """Return x W + scale x A B, by the thin way: no matrix of the shape of W is made.

    Args:
        x: inputs, shape (n, d).
        W: the frozen weights, shape (d, k).
        A: shape (d, r), r small.
        B: shape (r, k).
        scale: of what is added.

    Source: Hu and others, LoRA: Low-rank adaptation of large language models (2022), eq. 3.

    >>> x, one = np.ones((1, 2)), np.ones((2, 2))
    >>> lora_product(x, one, np.ones((2, 1)), np.ones((1, 2)), 0.5).tolist()
    [[3.0, 3.0]]
    """
    return x @ W + scale * ((x @ A) @ B)


def on_tensors(product: Product) -> Product:
    """Return `product` if it computes with Keras' tensors as it does with NumPy's arrays.

    Otherwise return `lora_product`, and say so: a function that calls NumPy by name cannot be
    followed by a framework that needs its gradient.

    Args:
        product: as `lora_product`, right on arrays.
    """
    x = np.full((3, 4), 0.5, "float32")
    try:
        layer = LoRADense(5, product=product)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the sentence below says it in plain words
            layer(keras.Input((4,)))  # symbols first, then numbers
            layer(x)
    except Exception as error:
        kind = type(error).__name__
        print(
            f"On Keras' tensors your function ends in {kind}: the lab's computes from here on. "
            "With `@` in place of `np.dot` or `np.matmul` it would be yours."
        )
        return lora_product
    return product


@keras.saving.register_keras_serializable("labkit")
class LoRADense(keras.layers.Layer):
    """A dense layer that was trained, and A and B that learn what is to be added.

    B begins as zeros, so that the layer begins as what it was.

    Args:
        units: outputs, k.
        activation: a name that Keras knows, or None.
        rank: columns of A and rows of B, at least 1.
        scale: of what is added.
        product: as `lora_product`; it is called with x of shape (n, d).

    Raises:
        ValueError: a rank below 1.
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        rank: int = 4,
        scale: float = 2.0,
        product: Product = lora_product,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if rank < 1:
            raise ValueError(f"rank is a whole number from 1 on. Received: rank={rank}")
        self.units, self.rank, self.scale, self.product = units, rank, scale, product
        self.activation = keras.activations.get(activation)

    def build(self, shape: tuple) -> None:
        """Make W and the bias, which stay, and A and B, which learn."""
        d, add = shape[-1], self.add_weight
        self.kernel = add(shape=(d, self.units), name="kernel", trainable=False)
        self.bias = add(shape=(self.units,), name="bias", trainable=False)
        self.A = add(shape=(d, self.rank), initializer="he_uniform", name="A")
        self.B = add(shape=(self.rank, self.units), initializer="zeros", name="B")

    def call(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (..., units), of inputs of shape (..., d)."""
        ops = keras.ops
        flat = ops.reshape(x, (-1, x.shape[-1]))
        matrices = (ops.convert_to_tensor(each) for each in (self.kernel, self.A, self.B))
        out = self.product(flat, *matrices, self.scale)
        out = ops.reshape(out, (-1, *x.shape[1:-1], self.units))
        return self.activation(out + self.bias)

    def merged(self) -> np.ndarray:
        """Return W + scale A B, shape (d, k): the same layer as one matrix, as fast as before."""
        kernel, A, B = (keras.ops.convert_to_numpy(w) for w in (self.kernel, self.A, self.B))
        return kernel + self.scale * A @ B

    def get_config(self) -> dict[str, Any]:
        """Return what builds the layer again, but for a `product` of one's own."""
        own = {"units": self.units, "rank": self.rank, "scale": self.scale}
        own["activation"] = keras.activations.serialize(self.activation)
        return super().get_config() | own


def adapt(
    model: keras.Model, rank: int = 4, scale: float = 2.0, product: Product = lora_product
) -> keras.Model:
    """Return a copy of a model in which A and B of each dense layer learn, and nothing else.

    Args:
        model: built of layers, `keras.layers.Dense` among them; it stays as it is.
        rank, scale, product: of each `LoRADense`.

    Raises:
        ValueError: a model without a dense layer.
    """

    def copied(layer: keras.Layer) -> keras.Layer:
        if not isinstance(layer, keras.layers.Dense):
            return layer.__class__.from_config(layer.get_config())
        activation = keras.activations.serialize(layer.activation)
        return LoRADense(layer.units, activation, rank, scale, product, name=layer.name)

    copy = keras.models.clone_model(model, clone_function=copied)
    pairs = list(zip(model.layers, copy.layers, strict=True))
    if not any(isinstance(new, LoRADense) for _, new in pairs):
        raise ValueError("LoRA goes beside dense layers; this model has none")
    for old, new in pairs:
        if isinstance(new, LoRADense):
            for own, given in ((new.kernel, old.kernel), (new.bias, old.bias)):
                own.assign(keras.ops.convert_to_numpy(given))  # a copy: JAX gives arrays away
        else:
            new.set_weights(old.get_weights())
            new.trainable = False
    return copy


def merged_weights(model: keras.Model) -> list[np.ndarray]:
    """Return the weights of the model that was adapted, A and B added in: `get_weights` of it."""
    found: list[np.ndarray] = []
    for layer in model.layers:
        lora = isinstance(layer, LoRADense)
        bias = [keras.ops.convert_to_numpy(layer.bias)] if lora else []
        found += [layer.merged(), *bias] if lora else layer.get_weights()
    return found


def trained_numbers(model: keras.Model) -> int:
    """Return how many numbers of a model are trained."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
