"""What happens in the processes of `gpu.py`: one with Keras on JAX, one with Keras on PyTorch.

Each does what comes through its pipe: train a network in one of its ways, or measure what the
device can do at best.
"""

import functools
import math
import os
import platform
import time
import traceback

import peers
import workloads

# name -> (data, examples a batch, epochs). Batches divide the data, and labkit's calls of 100 steps
# divide an epoch or hold it: nothing is compiled twice.
NETWORKS = {
    "mlp": (workloads.full_digits, 120, 5),
    "cnn": (workloads.full_digits, 120, 5),
    "lstm": (workloads.prices, 32, 10),
    "transformer": (workloads.characters, 32, 10),
}
SMALL = {
    "mlp": (64, 16),
    "cnn": (64, 16),
    "lstm": (16, 8),
    "transformer": (16, 8),
}  # examples, batch
# way -> the backend of Keras in its process
WAYS = {
    "labkit, JAX": "jax",
    "labkit, PyTorch": "torch",
    "by hand, PyTorch": "torch",
    "by hand, torch.compile": "torch",
    "by hand, JAX": "jax",
    "model.fit, JAX": "jax",
    "model.fit, PyTorch": "torch",
}
# What products are taken in: float32 as it is; float32 rounded to TensorFloat-32; bfloat16 (mixed
# precision: weights stay in float32, and what stays in float32 is as in tf32).
PRECISIONS = ("float32", "tf32", "bfloat16")
BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2}  # of an activation
SEED = 1


def work(backend, pipe):
    """Answer ("done", result) or ("failed", reason) to each (function, arguments); None ends it."""
    os.environ.update(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the other process needs some
    while (task := pipe.recv()) is not None:
        name, arguments = task
        try:
            pipe.send(("done", TASKS[name](*arguments)))
        except Exception as error:
            traceback.print_exc()
            reason = " ".join(str(error).split())[:300]
            pipe.send(("failed", f"{type(error).__name__}: {reason}"))


def about():
    """Return (versions, "cuda" or "cpu", name of the device); loads Keras and its backend."""
    import keras

    package = __import__(keras.backend.backend())
    # As plain text: PyTorch's own kind would make whoever receives it load PyTorch.
    versions = {package.__name__: str(package.__version__), "keras": keras.__version__}
    if package.__name__ == "jax":
        device = package.devices()[0]
        return versions, "cuda" if device.platform == "gpu" else "cpu", device.device_kind
    if package.cuda.is_available():
        return versions, "cuda", package.cuda.get_device_name()
    return versions, "cpu", platform.processor() or platform.machine()


# --- a training --------------------------------------------------------------------------------


def train(network, way, precision, device, limit, small):
    """Train once; return seconds of each epoch, loss, score, and the counts of the row.

    Args:
        network, way, precision: one each of NETWORKS, WAYS, PRECISIONS.
        device: "cpu" or "cuda".
        limit: seconds after which no further epoch begins (two are always trained).
        small: a few examples and two epochs.
    """
    data, batch, epochs = case(network, small)
    set_precision(precision)
    asked = (network, data, batch, epochs, SEED)
    enough = lambda seconds: len(seconds) > 1 and sum(seconds) > limit
    mixed = precision == "bfloat16"
    if way == "by hand, JAX":
        found = peers.train_jax(*asked, mixed=mixed, enough=enough)
    elif way.startswith("by hand"):
        options = {"device": device, "mixed": mixed, "compiled": way.endswith("compile")}
        found = peers.train_torch(*asked, **options, enough=enough)
    else:
        found = train_keras(*asked, labkit=way.startswith("labkit"), mixed=mixed, enough=enough)
    seconds, loss, score = found[:3]
    return {
        "seconds": seconds,
        "loss": loss,
        "score": score,
        "examples": len(data.x),
        "batch": batch,
        "bytes": step_bytes(network, precision, batch),
        "how": found[3] if len(found) > 3 else "",
    }


def compile_only(network, precision, device, small):
    """Let `torch.compile` fill its cache: two steps of a training; return the seconds."""
    data, batch, _ = case(network, small)
    set_precision(precision)
    few = workloads.Data(data.x[: 2 * batch], data.y[: 2 * batch], data.x_test[:8], data.y_test[:8])
    options = {"device": device, "mixed": precision == "bfloat16", "compiled": True}
    return sum(peers.train_torch(network, few, batch, 1, SEED, **options)[0])


@functools.lru_cache
def case(network, small):
    """Return data, batch and epochs of a network."""
    load, batch, epochs = NETWORKS[network]
    data = load()
    if small:
        count, batch = SMALL[network]
        epochs = 2
        cut = (data.x[:count], data.y[:count], data.x_test[:count], data.y_test[:count])
        data = workloads.Data(*cut)
    return data, batch, epochs


def set_precision(precision):
    """Let JAX or PyTorch take products in this precision, the same in both."""
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        exact = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": None}[precision]
        jax.config.update("jax_default_matmul_precision", exact)
    else:
        import torch

        torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
        torch.backends.cudnn.allow_tf32 = precision != "float32"


def train_keras(network, data, batch, epochs, seed, labkit, mixed, enough):
    """Train by labkit's `fit` or by `model.fit`; return seconds of epochs, loss, score, how."""
    model = build(network, seed, mixed)
    clock = stopwatch(enough)
    options = {"batch_size": batch, "epochs": epochs, "callbacks": [clock], "verbose": 0}
    if labkit:
        from labkit.networks.training import fit

        history = fit(model, data.x, data.y, **options)
    else:
        history = model.fit(data.x, data.y, **options)
    scores = model.evaluate(data.x_test, data.y_test, batch_size=1000, verbose=0)
    how = getattr(history, "execution", "")
    return clock.seconds, history.history["loss"][-1], scores[1], how


def build(network, seed, mixed):
    """Return the compiled Keras model of a network."""
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    try:
        return workloads.WORKLOADS[network][1](seed)
    finally:
        keras.config.set_dtype_policy("float32")


def stopwatch(enough):
    """Return a callback that keeps the seconds of each epoch and ends when there are enough."""
    import keras

    class Stopwatch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seconds, self.before = [], time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            now = time.perf_counter()
            self.seconds.append(now - self.before)
            self.before = now
            if enough(self.seconds):
                self.model.stop_training = True

    return Stopwatch()


@functools.lru_cache
def step_bytes(network, precision, batch):
    """Return the fewest bytes that a step moves through the device's memory.

    Each weight and its two averages read and written, its gradient written and read: 32 bytes a
    weight. Each activation written, and read when going back. The inputs read. What a layer keeps
    inside (the gates of an LSTM, attention scores) is not counted.
    """
    model = build(network, SEED, precision == "bfloat16")
    steps = getattr(model, "operations", model.layers)
    shapes = [each.shape[1:] for step in steps for each in _listed(step.output)]
    activations = sum(math.prod(shape) for shape in shapes)
    inputs = 4 * math.prod(model.input_shape[1:])
    return 32 * model.count_params() + batch * (2 * BYTES[precision] * activations + inputs)


def _listed(output):
    return output if isinstance(output, list | tuple) else [output]


# --- what the device can do --------------------------------------------------------------------


def peaks(precisions, device, small):
    """Return the rates of PyTorch: FLOP/s of a matrix product in each precision, and bytes/s.

    Products are of two square matrices of random numbers; the copy counts bytes read and written.
    """
    import torch

    size = 256 if small else 8192 if device == "cuda" else 2048
    found = {}
    for precision in precisions:
        set_precision(precision)
        kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
        found[precision] = 2 * size**3 / median_seconds(lambda a=a, b=b: a @ b, device)
    # Several times as much as any cache holds.
    source = torch.randn((2**20 if small else 2**29 if device == "cuda" else 2**26), device=device)
    target = torch.empty_like(source)
    found["bytes"] = 2 * 4 * len(source) / median_seconds(lambda: target.copy_(source), device)
    return found


def median_seconds(act, device, repeats=10):
    """Return the median of the seconds that an act takes on the device, warmed up."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    seconds = []
    for _ in range(repeats + 3):
        wait()
        started = time.perf_counter()
        act()
        wait()
        seconds.append(time.perf_counter() - started)
    return sorted(seconds[3:])[repeats // 2]


TASKS = {"about": about, "peaks": peaks, "compile": compile_only, "train": train}
