"""Let Keras' LSTM layers use TensorFlow's fused CPU kernel while a training graph is traced.

Keras has a fused LSTM for NVIDIA GPUs only. On a CPU it runs the cell step by step, a dozen small
operations each. TensorFlow has a kernel for the whole sequence, `BlockLSTM`; here it stands in
where Keras would look for cuDNN. The layers stay Keras' own, so saving, export and every other
device go on as before.

The kernel uses one core. Where TensorFlow may use two, each half of a batch gets its own in large
layers, through all that are stacked; sums over the batch are then taken in another order, so that
the last bits of a training depend on the number of threads, as those of convolutions do.

Lesson: 13_sequences.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from labkit.machine import cores
from labkit.networks.standing_in import standing_in

# From so many units on, a core for each half of the batch is faster (50 units: 1.3 times); with 32
# the larger graph costs more than that saves.
UNITS_TO_SHARE = 48


@contextmanager
def fused_lstm() -> Iterator[None]:
    """While this is open, LSTM layers that are traced use the fused kernel where it fits.

    It fits float32 layers with bias and the default activations, without a mask; any other
    layer is traced as Keras does it. Does nothing where this Keras has no such place to stand in.
    """
    from keras.src.layers.rnn import lstm as layer

    # Output of a layer -> the same as the kernel has it, steps first and in parts of the batch:
    # between stacked layers nothing is turned around or put together.
    known: dict = {}
    place = getattr(layer, "backend", None)
    with standing_in(place, "lstm", lambda original: partial(_block_lstm, known=known)):
        yield


def _block_lstm(
    inputs, h_start, c_start, mask, *, kernel, recurrent_kernel, bias, activation,
    recurrent_activation, return_sequences=False, go_backwards=False, unroll=False,
    known,
):  # fmt: skip
    """Return (last output, outputs, [h, c]) like Keras' cuDNN path, or refuse as it does."""
    import keras
    import tensorflow as tf

    # The functions themselves: somebody's own may be called tanh, and be another.
    standard = activation in (keras.activations.tanh, keras.ops.tanh, tf.tanh)
    known_gates = (keras.activations.sigmoid, keras.ops.sigmoid, tf.sigmoid)
    if not standard or recurrent_activation not in known_gates:
        raise NotImplementedError
    if mask is not None or unroll or bias is None:
        raise NotImplementedError
    if inputs.dtype != tf.float32:
        raise NotImplementedError

    def reordered(weights: tf.Tensor) -> tf.Tensor:
        # Keras keeps the gates as input, forget, candidate, output; the kernel swaps two.
        i, forget, candidate, output = tf.split(tf.convert_to_tensor(weights), 4, axis=-1)
        return tf.concat([i, candidate, forget, output], axis=-1)

    count = 2 if recurrent_kernel.shape[0] >= UNITS_TO_SHARE and _threads() > 1 else 1
    parts = known.get(inputs.ref(), ())
    if len(parts) != count:
        parts = _in_parts(tf.transpose(inputs, [1, 0, 2]), count, axis=1)
    if inputs.shape[-1] % 2:  # the kernel complains about odd sizes: add an input of zeros
        parts = [tf.pad(part, [[0, 0], [0, 0], [0, 1]]) for part in parts]
        kernel = tf.pad(tf.convert_to_tensor(kernel), [[0, 1], [0, 0]])
    if go_backwards:
        parts = [tf.reverse(part, [0]) for part in parts]
    weights, gate_bias = reordered(tf.concat([kernel, recurrent_kernel], axis=0)), reordered(bias)
    found = [
        _kernel(part, h, c, weights, gate_bias)
        for part, h, c in zip(
            parts, _in_parts(h_start, count), _in_parts(c_start, count), strict=True
        )
    ]
    hidden, cells = zip(*found, strict=True)
    last = tf.concat([h[-1] for h in hidden], 0)
    states = [last, tf.concat([c[-1] for c in cells], 0)]
    if not return_sequences:
        return last, last[:, None], states
    outputs = tf.transpose(tf.concat(hidden, 1), [1, 0, 2])
    known[outputs.ref()] = hidden
    return last, outputs, states


def _kernel(x, h_start, c_start, weights, bias):
    """Return outputs and cell states of all steps, each (steps, n, units)."""
    import tensorflow as tf

    unused = tf.zeros(h_start.shape[-1:])  # peepholes
    # Not BlockLSTMV2: its registered gradient is that of V1, which has another order of gates.
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(x, out_type=tf.int64)[0],
        x=x,
        cs_prev=c_start,
        h_prev=h_start,
        w=weights,
        wci=unused,
        wcf=unused,
        wco=unused,
        b=bias,
        forget_bias=0.0,
        cell_clip=0.0,  # no clipping
        use_peephole=False,
    )
    return found.h, found.cs


def _in_parts(x, count: int, axis: int = 0) -> list:
    """Return the batch whole (count 1) or in halves (2)."""
    import tensorflow as tf

    if count == 1:
        return [x]
    half = (tf.shape(x)[axis] + 1) // 2
    return [x[:, :half], x[:, half:]] if axis else [x[:half], x[half:]]


def _threads() -> int:
    """Return how many operations TensorFlow may run at once, as it was told or by the cores."""
    import tensorflow as tf

    told = tf.config.threading.get_inter_op_parallelism_threads()
    told = told or int(os.environ.get("TF_NUM_INTEROP_THREADS") or 0)
    return told or cores()
