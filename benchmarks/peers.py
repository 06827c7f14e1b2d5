"""The same four trainings written by hand in PyTorch and in JAX: what the lab is compared with.

Each is written as its users write it for speed: data on the device, fused Adam without waiting for
results (PyTorch); a whole epoch in one compiled scan (JAX). Weights start as in Keras. In mixed
precision weights stay in float32 and products are taken in bfloat16, as Keras does it.
"""

import time
from contextlib import nullcontext

import numpy as np
from workloads import BLOCKS, CONTEXT, HEADS, UNITS, WIDTH

ADAM = {"lr": 0.001, "eps": 1e-7}


# --- PyTorch ------------------------------------------------------------------------------------


def train_torch(
    name,
    data,
    batch_size,
    epochs,
    seed,
    channels_last=False,
    device="cpu",
    mixed=False,
    compiled=False,
    enough=lambda seconds: False,
):
    """Train with a loop as one writes it by hand; return seconds of epochs, loss, score.

    Args:
        name, data, batch_size, epochs, seed: what to train, on what.
        channels_last: images with their channels last in memory.
        device: "cpu" or "cuda"; the data lie there, too.
        mixed: products in bfloat16 (autocast).
        compiled: forward and backward by `torch.compile`; on a GPU replayed as CUDA graphs.
        enough: asked after each epoch, with the seconds of all; True ends the training.
    """
    import torch

    torch.manual_seed(seed)
    network, loss_of = _torch_network(name)
    network = network.to(device)
    x, x_test = (_torch_inputs(name, a).to(device) for a in (data.x, data.x_test))
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        x, x_test = (a.contiguous(memory_format=torch.channels_last) for a in (x, x_test))
    y, y_test = (_torch_targets(name, a).to(device) for a in (data.y, data.y_test))
    optimizer = torch.optim.Adam(network.parameters(), **ADAM, fused=True)

    def forward(x, targets):
        with torch.autocast(device, torch.bfloat16) if mixed else nullcontext():
            predicted = network(x)
        predicted = predicted.float()
        return loss_of(predicted, targets), predicted

    if compiled:
        mode = "reduce-overhead" if device == "cuda" else "default"
        forward = torch.compile(forward, mode=mode, dynamic=False)
    seconds = []
    while len(seconds) < epochs and not (seconds and enough(seconds)):
        started = time.perf_counter()
        order = torch.randperm(len(x), device=device)
        loss_sum, right = torch.zeros((), device=device), torch.zeros((), device=device)
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            targets = y[batch]
            optimizer.zero_grad(set_to_none=True)
            if compiled:
                torch.compiler.cudagraph_mark_step_begin()
            loss, predicted = forward(x[batch], targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(batch)
            right += _torch_score(name, predicted.detach(), targets) * len(batch)
        loss, _ = float(loss_sum) / len(x), float(right) / len(x)
        seconds.append(time.perf_counter() - started)
    with torch.no_grad():
        score = float(_torch_score(name, network(x_test), y_test))
    return seconds, loss, score


def _torch_targets(name, y):
    import torch

    return torch.from_numpy(y) if name == "lstm" else torch.from_numpy(y).long()


def _torch_inputs(name, x):
    import torch

    found = torch.from_numpy(x)
    return found.permute(0, 3, 1, 2).contiguous() if name == "cnn" else found


def _torch_score(name, predicted, targets):
    if name == "lstm":
        return ((predicted - targets) ** 2).mean()
    if name == "transformer":
        return (predicted.argmax(1) == targets).float().mean()
    return (predicted.argmax(-1) == targets).float().mean()


def _torch_network(name):
    """Return (network, loss); class scores have the class on axis 1, as PyTorch wants it."""
    import torch
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.LSTM(4, UNITS, num_layers=2, batch_first=True)
            self.out = nn.Linear(UNITS, 1)

        def forward(self, x):
            return self.out(self.layers(x)[0][:, -1])

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.qkv, self.mix = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x):
            qkv = self.qkv(self.norm_1(x)).view(len(x), -1, 3, HEADS, WIDTH // HEADS)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.mix(seen.transpose(1, 2).reshape(x.shape))
            hidden = nn.functional.gelu(self.up(self.norm_2(x)), approximate="tanh")
            return x + self.down(hidden)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(128, WIDTH)
            self.positions = nn.Parameter(torch.empty(CONTEXT, WIDTH).uniform_(-0.05, 0.05))
            self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
            self.norm, self.out = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 128)
            nn.init.uniform_(self.tokens.weight, -0.05, 0.05)

        def forward(self, x):
            return self.out(self.norm(self.blocks(self.tokens(x) + self.positions))).transpose(1, 2)

    networks = {
        "mlp": lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10)
        ),
        "cnn": lambda: nn.Sequential(
            *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10)),
        ),
        "lstm": Recurrent,
        "transformer": Decoder,
    }
    network = networks[name]()
    for layer in network.modules():  # start as Keras does: Glorot uniform kernels, zero biases
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network, nn.MSELoss() if name == "lstm" else nn.CrossEntropyLoss()


# --- JAX ----------------------------------------------------------------------------------------


def train_jax(name, data, batch_size, epochs, seed, mixed=False, enough=lambda seconds: False):
    """Train with one compiled scan over the updates of an epoch; arguments as of `train_torch`.

    On a CPU convolutions get a compiled update instead: inside a scan XLA computes them there many
    times slower.
    """
    import jax
    from jax import numpy as jnp

    network = JAX_NETWORKS[name]
    weights = network[0](np.random.default_rng(seed))
    state = (weights, jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights))
    x, y = jnp.asarray(data.x), jnp.asarray(data.y)

    def narrow(a):
        return a.astype("bfloat16") if mixed and a.dtype == "float32" else a

    def loss_of(weights, x, y):
        predicted = network[1](jax.tree.map(narrow, weights), narrow(x)).astype("float32")
        if name == "lstm":
            return jnp.mean((predicted - y) ** 2), jnp.mean((predicted - y) ** 2)
        scores = jax.nn.log_softmax(predicted)
        loss = -jnp.mean(jnp.take_along_axis(scores, y[..., None], -1))
        return loss, jnp.mean(predicted.argmax(-1) == y)

    def update(carry, batch):
        (weights, m, v), count = carry
        (loss, score), gradient = jax.value_and_grad(loss_of, has_aux=True)(
            weights, x[batch], y[batch]
        )
        count += 1
        rate = ADAM["lr"] * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + ADAM["eps"]), weights, m, v
        )
        return ((weights, m, v), count), (loss * len(batch), score * len(batch))

    compiled_update = jax.jit(update)

    def step_by_step(carry, order):
        sums = []
        for batch in order:
            carry, found = compiled_update(carry, batch)
            sums.append(found)
        return carry, jax.tree.map(lambda *values: jnp.stack(values), *sums)

    scan = jax.jit(lambda carry, order: jax.lax.scan(update, carry, order))
    run = step_by_step if name == "cnn" and jax.default_backend() == "cpu" else scan
    carry, seconds = (state, jnp.zeros(())), []
    random = np.random.default_rng(seed)
    while len(seconds) < epochs and not (seconds and enough(seconds)):
        started = time.perf_counter()
        order = random.permutation(len(x))
        whole = len(x) // batch_size * batch_size
        carry, sums = run(carry, order[:whole].reshape(-1, batch_size))
        total = sums[0].sum()
        if whole < len(x):  # the last, smaller batch
            carry, sums = run(carry, order[None, whole:])
            total += sums[0].sum()
        loss = float(total) / len(x)
        seconds.append(time.perf_counter() - started)
    _, score = jax.jit(loss_of)(carry[0][0], jnp.asarray(data.x_test), jnp.asarray(data.y_test))
    return seconds, loss, float(score)


def _glorot(random, *shape, fan=None):
    fan_in, fan_out = fan or shape[-2:]
    limit = np.sqrt(6 / (fan_in + fan_out))
    return random.uniform(-limit, limit, shape).astype("float32")


def _dense(random, inputs, outputs):
    return _glorot(random, inputs, outputs), np.zeros(outputs, "float32")


def _start_mlp(random):
    return [_dense(random, 784, 500), _dense(random, 500, 10)]


def _mlp(weights, x):
    import jax

    (w, b), (v, c) = weights
    return jax.nn.relu(x.reshape(len(x), -1) @ w + b) @ v + c


def _start_cnn(random):
    kernels = [
        (_glorot(random, 3, 3, i, o, fan=(9 * i, 9 * o)), np.zeros(o, "float32"))
        for i, o in ((1, 32), (32, 64), (64, 64))
    ]
    return [*kernels, _dense(random, 576, 64), _dense(random, 64, 10)]


def _cnn(weights, x):
    import jax

    def convolve(x, layer):
        found = jax.lax.conv_general_dilated(
            x, layer[0], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return jax.nn.relu(found + layer[1])

    def pool(x):  # by reshaping: the gradient of JAX's own pooling is several times slower
        n, rows, columns, channels = x.shape
        x = x[:, : rows // 2 * 2, : columns // 2 * 2]
        return x.reshape(n, rows // 2, 2, columns // 2, 2, channels).max((2, 4))

    x = pool(convolve(x, weights[0]))
    x = convolve(pool(convolve(x, weights[1])), weights[2])
    x = jax.nn.relu(x.reshape(len(x), -1) @ weights[3][0] + weights[3][1])
    return x @ weights[4][0] + weights[4][1]


def _start_lstm(random):
    def cell(inputs):
        recurrent = np.linalg.qr(random.normal(size=(4 * UNITS, UNITS)))[0].T
        bias = np.repeat([0, 1, 0, 0], UNITS)  # the forget gate starts open
        return (
            _glorot(random, inputs, 4 * UNITS),
            recurrent.astype("float32"),
            bias.astype("float32"),
        )

    return [cell(4), cell(UNITS), _dense(random, UNITS, 1)]


def _lstm(weights, x):
    import jax
    from jax import numpy as jnp

    def layer(x, kernel, recurrent, bias):  # x: (steps, n, features)
        def step(carry, inputs):
            h, c = carry
            i, f, g, o = jnp.split(inputs + h @ recurrent, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((x.shape[1], UNITS), x.dtype)
        return jax.lax.scan(step, (zeros, zeros), x @ kernel + bias)[1]

    first, second, (w, b) = weights
    return layer(layer(x.swapaxes(0, 1), *first), *second)[-1] @ w + b


def _start_transformer(random):
    def uniform(*shape):
        return random.uniform(-0.05, 0.05, shape).astype("float32")

    def norm():
        return np.ones(WIDTH, "float32"), np.zeros(WIDTH, "float32")

    blocks = [
        {
            "norms": [norm(), norm()],
            "qkv": _dense(random, WIDTH, 3 * WIDTH),
            "mix": _dense(random, WIDTH, WIDTH),
            "up": _dense(random, WIDTH, 4 * WIDTH),
            "down": _dense(random, 4 * WIDTH, WIDTH),
        }
        for _ in range(BLOCKS)
    ]
    outer = {"tokens": uniform(128, WIDTH), "positions": uniform(CONTEXT, WIDTH)}
    return outer | {"blocks": blocks, "norm": norm(), "out": _dense(random, WIDTH, 128)}


def _transformer(weights, x):
    import jax
    from jax import numpy as jnp

    def normal(x, layer):  # in float32, whatever x is, as Keras and PyTorch do it
        wide = x.astype("float32")
        centered = wide - wide.mean(-1, keepdims=True)
        spread = jnp.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
        return (centered / spread * layer[0] + layer[1]).astype(x.dtype)

    def linear(x, layer):
        return x @ layer[0] + layer[1]

    x = weights["tokens"][x] + weights["positions"]
    causal = jnp.tril(jnp.ones((CONTEXT, CONTEXT), bool))
    for block in weights["blocks"]:
        qkv = linear(normal(x, block["norms"][0]), block["qkv"])
        q, k, v = qkv.reshape(len(x), CONTEXT, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) / float(np.sqrt(WIDTH // HEADS))
        shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
        x = x + linear((shares @ v).swapaxes(1, 2).reshape(x.shape), block["mix"])
        hidden = jax.nn.gelu(linear(normal(x, block["norms"][1]), block["up"]), approximate=True)
        x = x + linear(hidden, block["down"])
    return linear(normal(x, weights["norm"]), weights["out"])


JAX_NETWORKS = {
    "mlp": (_start_mlp, _mlp),
    "cnn": (_start_cnn, _cnn),
    "lstm": (_start_lstm, _lstm),
    "transformer": (_start_transformer, _transformer),
}
