"""Answers as learners write them in the cell of an exercise, made functions and values."""

import linecache
import math
import re
import statistics
import textwrap

import numpy as np
import pandas
import scipy.special
import scipy.stats
import sklearn.impute
import sklearn.metrics
import sklearn.pipeline
import sklearn.preprocessing

from labkit.maths.activations import relu, sigmoid

TOOLS = {
    each.__name__.split(".")[0]: each for each in (math, statistics, pandas, scipy, sklearn)
} | {"np": np, "relu": relu, "sigmoid": sigmoid}
STUBS = {  # the arguments of the lessons' stubs
    "start.prediction": "length, w, b",
    "descent.update": "w, gradient, learning_rate",
    "descent.momentum": "w, velocity, gradient, learning_rate, momentum",
    "descent.stable_rate": "hessian",
    "losses.mse": "y_true, y_pred",
    "losses.mse_gradient": "y_true, y_pred",
    "losses.stable_cross_entropy": "y_true, logits",
    "losses.softmax_gradient": "y_true, logits",
    "losses.own_slope": "error",
    "activations.sigmoid_slope": "x",
    "activations.softmax": "z",
    "activations.network": "x, W1, b1, W2, b2",
    "activations.activation": "z",
    "backprop.product_slopes": "a, b, slope",
    "backprop.output_delta": "prediction, y",
    "backprop.hidden_delta": "delta, W, h",
    "backprop.gradient": "loss, w, tiny",
    "distributed.combine": "means, counts",
    "distributed.ring_step": "rank, step, size",
    "distributed.split": "W1, W2, rank, size",
    "distributed.feedback": "gradient, rest, compress",
    "balancing.erlang_c": "servers, load",
    "balancing.staff": "load, longest, waits",
    "balancing.may_retry": "requests, retries, budget",
    "balancing.policy": "lengths, sent, speeds",
    "monitoring.cusum": "total, z, allowance",
    "monitoring.psi_limit": "reference, current, bins, false_alarms",
    "monitoring.delete": "image, heat, count",
    "monitoring.ring": "z",
    "lifecycle.split": "group, order, share",
    "lifecycle.threshold": "scores, truth, thresholds, miss, alarm",
    "lifecycle.rollback": "errors, requests, errors_new, requests_new",
    "energy.step_flop": "widths, batch",
    "energy.kwh": "parts, pue",
    "energy.break_even": "price, rent, running",
    "energy.recipe": "",
    "metrics.f1": "tp, fp, fn, tn",
    "metrics.pipeline": "rows, test_count",
    "network.network": "hidden",
    "network.step": "model, x, y, learning_rate",
    "network.better": "",
    "convolution.convolution": "image, kernel",
    "convolution.output_size": "size, kernel, stride, padding",
    "convolution.features": "size, filters, kernel, pool",
    "training.stop": "losses, patience",
    "training.dropout": "h, u, rate",
    "training.choice": "validation, test",
    "recurrent.clip": "gradients, limit",
    "recurrent.lstm_step": "x, h, c, W, U, b",
    "recurrent.baseline": "values, period, steps",
    "recurrent.leak_free": "series, width, steps, train_rows",
    "attention.attention": "Q, K, V",
    "attention.causal_mask": "length",
    "attention.split": "x, heads",
    "attention.block": "x, norm_1, attend, norm_2, feed",
    "language.merge": "tokens, pair, new",
    "language.exponent": "sizes, losses",
    "language.lora": "x, W, A, B, scale",
    "transfer.freeze": "layers, count",
    "transfer.trained": "shapes, frozen",
    "transfer.gain": "transfer, scratch, t",
    "faster.intensity": "batch, inputs, outputs",
    "faster.whole_speedup": "share, speedup",
    "faster.next_scale": "scale, good, overflow, patience",
    "faster.interval": "cost, mtbf",
    "devices.transfer": "size, pieces, latency, bandwidth",
    "devices.fill": "operations, launch, flop, peak",
    "devices.memory": "parameters, outputs, batch",
    "smaller.error": "scores, targets, temperature",
    "smaller.grid": "low, high, bits",
    "smaller.choose": "models, kilobytes, milliseconds",
    "smaller.recipe": "",
    "serving.capacity": "a, c, batch",
    "serving.percentile": "planned, sent, done, share",
    "serving.admit": "waiting, a, c, batch, promise",
    "privacy.clip": "norms, limit, sigma, expected",
    "privacy.epsilon": "rdp, orders, steps, delta",
    "privacy.mask": "number, streams",
    "privacy.open_checked": "data, tag, old, is_genuine, read",
    "sweeps.interval": "values, t",
    "sweeps.winner": "scores",
    "sweeps.flattery": "chosen, fresh",
    "sweeps.survivors": "scores",
    "verdicts.slip": "lines",
    "verdicts.rule": "with_it, without",
}


def written(name: str, source: str, **tools):
    """Return the function, or the value, that a learner's cell makes of an answer."""
    if name not in STUBS:
        return eval(source, TOOLS | tools)
    first, *rest = source.split("\n")
    body = "\n".join([first, *(line.removeprefix("  ") for line in rest)])
    statement = rest or re.match(r"(return|print)\b", first)
    body = body if statement or _is_statement(first) else f"return {body}"
    code = f"def my_answer({STUBS[name]}):\n{textwrap.indent(body, '    ')}"
    cell = TOOLS | tools
    # As IPython does: errors and checks may look at the source.
    linecache.cache["cell"] = len(code), None, code.splitlines(keepends=True), "cell"
    exec(compile(code, "cell", "exec"), cell)
    return cell["my_answer"]


def _is_statement(line: str) -> bool:
    try:
        compile(line, "cell", "eval")
    except SyntaxError:
        return True
    return False
