"""Let Keras' LSTM layers use TensorFlow's fused CPU kernel while a training graph is traced.

Keras has a fused LSTM for NVIDIA GPUs only. On a CPU it runs the cell step by step, a dozen small
operations each. TensorFlow has a kernel for the whole sequence, `BlockLSTM`; here it stands in
where Keras would look for cuDNN. The layers stay Keras' own, so saving, export and every other
device go on as before.

Lesson: 13_sequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# What the kernel computes, and nothing else.
_ACTIVATIONS = ("tanh", "sigmoid")


@contextmanager
def fused_lstm() -> Iterator[None]:
    """While this is open, LSTM layers that are traced use the fused kernel where it fits.

    It fits float32 layers with bias and the default activations, without a mask; any other
    layer is traced as Keras does it. Does nothing where this Keras has no such place to stand in.
    """
    from keras.src.layers.rnn import lstm as layer

    place = getattr(layer, "backend", None)
    original = getattr(place, "lstm", None)
    if original is None:
        yield
        return
    # Output of a layer -> the same with the steps first, as the kernel has it: between stacked
    # layers nothing is turned around.
    steps_first: dict = {}
    place.lstm = lambda inputs, *args, **settings: _block_lstm(
        inputs, *args, **settings, turned=steps_first
    )
    try:
        yield
    finally:
        place.lstm = original


def _block_lstm(
    inputs, h_start, c_start, mask, *, kernel, recurrent_kernel, bias, activation,
    recurrent_activation, return_sequences=False, go_backwards=False, unroll=False,
    turned,
):  # fmt: skip
    """Return (last output, outputs, [h, c]) like Keras' cuDNN path, or refuse as it does."""
    import tensorflow as tf

    names = tuple(getattr(f, "__name__", None) for f in (activation, recurrent_activation))
    if mask is not None or unroll or bias is None or names != _ACTIVATIONS:
        raise NotImplementedError
    if inputs.dtype != tf.float32:
        raise NotImplementedError

    def reordered(weights: tf.Tensor) -> tf.Tensor:
        # Keras keeps the gates as input, forget, candidate, output; the kernel swaps two.
        i, forget, candidate, output = tf.split(tf.convert_to_tensor(weights), 4, axis=-1)
        return tf.concat([i, candidate, forget, output], axis=-1)

    steps_first = turned.get(inputs.ref())
    if steps_first is None:
        steps_first = tf.transpose(inputs, [1, 0, 2])
    if inputs.shape[-1] % 2:  # the kernel complains about odd sizes: add an input of zeros
        steps_first = tf.pad(steps_first, [[0, 0], [0, 0], [0, 1]])
        kernel = tf.pad(tf.convert_to_tensor(kernel), [[0, 1], [0, 0]])
    if go_backwards:
        steps_first = tf.reverse(steps_first, [0])
    unused = tf.zeros((recurrent_kernel.shape[0],))  # peepholes
    # Not BlockLSTMV2: its registered gradient is that of V1, which has another order of gates.
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(steps_first, out_type=tf.int64)[0],
        x=steps_first,
        cs_prev=c_start,
        h_prev=h_start,
        w=reordered(tf.concat([kernel, recurrent_kernel], axis=0)),
        wci=unused,
        wcf=unused,
        wco=unused,
        b=reordered(bias),
        forget_bias=0.0,
        cell_clip=0.0,  # no clipping
        use_peephole=False,
    )
    last = found.h[-1]
    outputs = tf.transpose(found.h, [1, 0, 2]) if return_sequences else last[:, None]
    turned[outputs.ref()] = found.h if return_sequences else last[None]
    return last, outputs, [last, found.cs[-1]]
