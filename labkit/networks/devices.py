"""Where a Keras network computes, what the way there costs, what it needs, and cuDNN's conditions.

A device is a processor with memory of its own. On a CPU that is the main memory, where NumPy's
arrays lie already; a GPU has its own, and every number must first be copied to it. All three
backends of Keras are asked in their own words, so that an answer is what the backend really does.

Lesson: 17_on_a_gpu.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labkit import machine
from labkit.networks.backend import without_chatter

if TYPE_CHECKING:
    import keras

FLOAT32 = 4  # bytes of a number
MASKS = ("none", "right", "left")  # where a sequence is filled up

# --- which device -------------------------------------------------------------------------------


class Device(NamedTuple):
    """What Keras computes on: its kind, "cpu" or "gpu", its name, and the backend that says so."""

    kind: str
    name: str
    backend: str


def device() -> Device:
    """Return the device on which Keras' backend puts what it is given, as the backend says.

    A card that the driver sees and the backend cannot use does not count.

    >>> device().kind in ("cpu", "gpu")
    True
    """
    backend = _backend()
    with without_chatter():
        kind, name = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]()
    return Device(kind, name or machine.cpu_name(), backend)


def in_words(found: Device, cards: Sequence[str] | None = None) -> str:
    """Return in a sentence where Keras computes, and why not on a card that is there.

    Args:
        found: as `device` returns it.
        cards: those that the driver sees; None asks it.

    >>> in_words(Device("cpu", "a processor", "jax"), cards=[])
    'Keras on jax computes on the CPU (a processor). No GPU was found.'
    """
    cards = machine.gpus() if cards is None else cards
    where = "the GPU" if found.kind == "gpu" else "the CPU"
    told = f"Keras on {found.backend} computes on {where} ({found.name})."
    if found.kind == "gpu":
        return told
    if not cards:
        return f"{told} No GPU was found."
    return f"{told} There is {', '.join(cards)}, but this build of {found.backend} cannot use it."


def where(model: keras.Model) -> list[str]:
    """Return the names of the devices that hold the weights of a model, as its backend says."""
    return sorted({_place(weight.value) for weight in model.weights})


def _backend() -> str:
    from labkit.networks.backend import keras

    return keras.backend.backend()


def _tensorflow() -> tuple[str, str]:
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        return "cpu", ""
    return "gpu", tf.config.experimental.get_device_details(cards[0]).get("device_name", "GPU")


def _jax() -> tuple[str, str]:
    import jax

    first = jax.devices()[0]
    return ("cpu", "") if first.platform == "cpu" else ("gpu", first.device_kind)


def _torch() -> tuple[str, str]:
    import torch

    place = _torch_place()
    if place == "cpu":
        return "cpu", ""
    return "gpu", torch.cuda.get_device_name() if place == "cuda" else place


def _torch_place() -> str:
    from keras.src.backend.torch.core import get_device

    return str(get_device()).split(":")[0]


def _place(tensor: Any) -> str:
    if hasattr(tensor, "devices"):  # JAX
        return ", ".join(sorted(map(str, tensor.devices())))
    return str(tensor.device).rpartition("device:")[2] or str(tensor.device)


# --- the way to the device, and the call of an operation ----------------------------------------


def put(array: np.ndarray) -> Any:
    """Return a copy of a NumPy array on the device, once it is there."""
    with_backend = {"tensorflow": _put_tensorflow, "jax": _put_jax, "torch": _put_torch}
    return with_backend[_backend()](array)


def _put_tensorflow(array: np.ndarray) -> Any:
    import tensorflow as tf

    return wait(tf.constant(array))  # `convert_to_tensor` would share the memory on a CPU


def _put_jax(array: np.ndarray) -> Any:
    import jax

    return jax.device_put(array).block_until_ready()


def _put_torch(array: np.ndarray) -> Any:
    import torch

    return wait(torch.tensor(array, device=_torch_place()))


def wait(tensor: Any) -> Any:
    """Return a tensor once its device has computed it: a GPU goes on while Python does."""
    if hasattr(tensor, "block_until_ready"):
        return tensor.block_until_ready()
    if hasattr(tensor, "is_cuda"):
        if tensor.is_cuda:
            import torch

            torch.cuda.synchronize()
    elif "GPU" in tensor.device:
        tensor[(slice(0, 1),) * tensor.ndim].numpy()  # a number that comes back was computed
    return tensor


def addition(numbers: int) -> Callable[[], Any]:
    """Return a function that adds 1 to so many numbers on the device, and waits for it.

    The smallest operation there is: with one number, its time is the call.
    """
    x = put(np.zeros(numbers, np.float32))
    return lambda: wait(x + 1.0)


def chain(operations: int, numbers: int, compiled: bool) -> Callable[[], Any] | None:
    """Return a function of so many small operations, each on the result of the one before.

    Args:
        operations: how many products x * x.
        numbers: that each of them works on.
        compiled: all of them in one compiled function, which Python calls once, not one by one.

    Returns:
        The function; None where it cannot be compiled: PyTorch would need a C++ compiler.
    """
    x = put(np.zeros(numbers, np.float32))

    def run(x: Any) -> Any:
        for _ in range(operations):
            x = x * x
        return x

    call = _compiled(run) if compiled else run
    return None if call is None else lambda: wait(call(x))


def _compiled(function: Callable) -> Callable | None:
    if _backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False, jit_compile=True)
    if _backend() == "jax":
        import jax

        return jax.jit(function)
    return None


def product(side: int, precision: str = "float32") -> Callable[[], Any]:
    """Return a function that multiplies two square matrices on the device, and waits.

    Args:
        side: of the matrices.
        precision: "float32", "bfloat16" or "float16", the type of their numbers.
    """
    from labkit.networks.backend import keras

    ones = put(np.ones((side, side), np.float32))
    left = keras.ops.cast(ones, precision)
    return lambda: wait(keras.ops.matmul(left, left))


# --- what a training holds ----------------------------------------------------------------------


class Memory(NamedTuple):
    """Bytes that a training holds: one number of each kind for a weight, and the activations."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(self)


def memory(model: keras.Model, batch_size: int) -> Memory:
    """Return the bytes of a training, modeled: weights, gradients, optimizer, activations.

    Activations are the outputs of all layers, kept from the forward to the backward pass. What a
    kernel needs beside them, and what an allocator rounds up, is not in it: a lower bound.

    Args:
        model: built and compiled; of its optimizer the variables are counted, built or not.
        batch_size: examples of a step, at least 1.

    Raises:
        ValueError: a batch below 1, or a model that is not compiled.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Received: {batch_size!r}")
    if not getattr(model, "compiled", False):
        raise ValueError('the model is not compiled: call model.compile("adam", loss) first')
    trained = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    width = np.dtype(str(model.compute_dtype).replace("bfloat16", "float16")).itemsize
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    held = sum(math.prod(v.shape) for v in model.optimizer.variables if len(v.shape))
    outputs = sum(_numbers(each.output) for each in model.layers if hasattr(each, "output"))
    return Memory(
        FLOAT32 * model.count_params(), FLOAT32 * trained, FLOAT32 * held,
        width * batch_size * outputs,
    )  # fmt: skip


def _numbers(outputs: Any) -> int:
    from labkit.networks.backend import keras

    return sum(math.prod(each.shape[1:]) for each in keras.tree.flatten(outputs))


# --- TF32 ---------------------------------------------------------------------------------------


def tf32(x: np.ndarray) -> np.ndarray:
    """Return float32 numbers rounded to TF32: 8 bits of exponent as before, 10 bits of fraction.

    Matrix units of NVIDIA since Ampere read float32 numbers so; products are summed in float32.

    Args:
        x: any shape, finite.

    Returns:
        float32, the same shape, rounded to the nearest (ties away from zero).

    Source: NVIDIA, A100 Tensor Core GPU Architecture, white paper (2020).

    >>> tf32(np.float32([1 + 2**-10, 1 + 2**-12])).tolist()
    [1.0009765625, 1.0]
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


# --- cuDNN --------------------------------------------------------------------------------------


def cudnn_breaks(layer: keras.layers.LSTM, backend: str | None = None, mask: str = "none") -> list:
    """Return which of the conditions of cuDNN's LSTM a Keras layer breaks, in words; [] if none.

    The GPU itself is left out: a layer that breaks none runs on cuDNN as soon as there is one.

    Args:
        layer: a Keras LSTM layer.
        backend: of Keras, "tensorflow", "jax" or "torch"; None is the one in use.
        mask: "none", or where its sequences are filled up, "right" or "left", if they are masked.

    Raises:
        TypeError: another layer than an LSTM.
        ValueError: an unknown backend or mask.

    Source: keras 3.15, src/backend/*/rnn.py (`cudnn_ok`, `lstm`) and src/layers/rnn/lstm.py.
    """
    from labkit.networks.backend import keras

    if not isinstance(layer, keras.layers.LSTM):
        raise TypeError(f"layer must be a keras.layers.LSTM. Received: {type(layer).__name__}")
    backend = backend or keras.backend.backend()
    if backend not in machine.BACKENDS:
        raise ValueError(f"backend must be one of {list(machine.BACKENDS)}. Received: {backend!r}")
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {list(MASKS)}. Received: {mask!r}")
    named = lambda function: getattr(function, "__name__", str(function))
    first, gates = layer.activation, layer.recurrent_activation
    conditions = {
        "use_cudnn=False forbids it": layer.use_cudnn is False,
        f"activation is {named(first)}, not tanh": first not in _kinds_of("tanh"),
        f"recurrent_activation is {named(gates)}, not sigmoid": gates not in _kinds_of("sigmoid"),
        "unroll=True writes every step out": bool(layer.unroll),
        "use_bias=False, and cuDNN's LSTM has biases": not layer.use_bias,
        "recurrent_dropout above 0 acts between the steps": layer.recurrent_dropout > 0,
        f"it computes in {layer.compute_dtype}, and JAX's cuDNN LSTM in float32 alone": (
            backend == "jax" and layer.compute_dtype != "float32"
        ),
        **_mask_conditions(backend, mask),
    }
    return [words for words, broken in conditions.items() if broken]


def _kinds_of(name: str) -> list[Any]:
    """Return the functions of this name that Keras knows as the same one."""
    from labkit.networks.backend import keras

    rooms = [keras.activations, keras.ops, sys.modules.get(_backend())]
    return [getattr(room, name) for room in rooms if hasattr(room, name)]


def _mask_conditions(backend: str, mask: str) -> dict[str, bool]:
    if backend == "tensorflow":
        words = "the mask fills up on the left, and Keras on TensorFlow stops there with an error"
        return {words: mask == "left"}
    return {f"there is a mask, and on {backend} none is allowed": mask != "none"}
