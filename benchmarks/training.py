"""Train four networks in several ways and print how their speeds compare.

The same network, data, batch size, epochs, optimizer and cores; every way reports loss and a
score of each epoch. Each way lives in a process of its own and waits while another one works.
They take turns, round after round, so that a disturbance hits them all; the ratios are what
counts, and only within one run.

    python benchmarks/training.py --cores 1
    python benchmarks/training.py --workload mlp lstm --cores 2 --rounds 5
"""

import argparse
import itertools
import multiprocessing
import os
import statistics
import sys
import time

from workloads import WORKLOADS, training_flop

WAYS = {  # way -> the package that it needs
    "labkit": "tensorflow",
    "keras": "tensorflow",
    "torch": "torch",
    "torch channels_last": "torch",
    "jax": "jax",
}


# --- the ways: each returns (seconds of each epoch, last loss, score on held-out data) ----------


def train_labkit(name, data, batch_size, epochs, seed):
    """Train with `labkit.networks.training.fit`."""
    from labkit.networks.training import fit

    model = WORKLOADS[name][1](seed)
    history = fit(model, data.x, data.y, batch_size, epochs, verbose=0)
    return history.seconds, history.history["loss"][-1], keras_score(model, data)


def train_keras(name, data, batch_size, epochs, seed):
    """Train with `model.fit` of Keras and its defaults."""
    import keras

    model = WORKLOADS[name][1](seed)
    ends = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    history = model.fit(
        data.x, data.y, batch_size=batch_size, epochs=epochs, callbacks=[clock], verbose=0
    )
    seconds = [after - before for before, after in itertools.pairwise(ends)]
    return seconds, history.history["loss"][-1], keras_score(model, data)


def keras_score(model, data):
    """Return the second of the numbers that Keras measures: accuracy or squared error."""
    return model.evaluate(data.x_test, data.y_test, verbose=0)[1]


def sgemm_flops(size=2048, repeats=7):
    """Return the best rate of TensorFlow's product of two square float32 matrices, in FLOP/s."""
    import tensorflow as tf

    a = tf.random.uniform((size, size))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)


# --- one process a way ---------------------------------------------------------------------------


def work(way, name, cores, pipe):
    """Do what comes through the pipe: train with a seed, measure the peak, or stop (None)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    os.environ.update(dict.fromkeys(threads, str(cores)))
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS="cpu")
    if way.startswith("torch"):
        import torch

        torch.set_num_threads(cores)
    elif way != "jax":
        from labkit.networks.backend import keras  # noqa: F401  (TensorFlow without its notes)
    import peers

    trainings = {
        "labkit": train_labkit,
        "keras": train_keras,
        "torch": peers.train_torch,
        "torch channels_last": lambda *asked: peers.train_torch(*asked, channels_last=True),
        "jax": peers.train_jax,
    }
    load, _, batch_size, epochs, _ = WORKLOADS[name]
    data = load()
    while (task := pipe.recv()) is not None:
        if task == "peak":
            pipe.send(sgemm_flops())
        else:
            pipe.send((len(data.x), *trainings[way](name, data, batch_size, epochs, task)))


def start(way, name, cores):
    """Return a function that hands a task to the process of a way and waits for its answer."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(way, name, cores, there), daemon=True)
    process.start()
    there.close()  # so that a process that dies is noticed instead of waited for

    def ask(task):
        here.send(task)
        return here.recv() if task is not None else process.join()

    return ask


def compare(name, cores, rounds):
    """Print the table of one training for one number of cores."""
    ways = [way for way, package in WAYS.items() if installed(package)]
    ways = [way for way in ways if name == "cnn" or way != "torch channels_last"]
    asks = {way: start(way, name, cores) for way in ways}
    for ask in asks.values():
        ask(0)  # warm-up: imports and first compilation are not counted
    results = {way: [] for way in ways}
    for seed in range(1, rounds + 1):
        for way in ways:
            results[way].append(asks[way](seed))
    peak = asks["labkit"]("peak")
    for ask in asks.values():
        ask(None)
    report(name, cores, results, peak)


def installed(package):
    """Tell whether a package is there, without importing it."""
    from importlib.util import find_spec

    return find_spec(package) is not None


def report(name, cores, results, peak):
    """Print the table; `results` holds (examples, seconds, loss, score) a round for each way."""
    _, _, batch_size, epochs, score_name = WORKLOADS[name]
    later = {  # examples per second in the epochs after the first, one value a round
        way: [count * (epochs - 1) / sum(seconds[1:]) for count, seconds, _, _ in runs]
        for way, runs in results.items()
    }
    whole = {way: [sum(run[1]) for run in runs] for way, runs in results.items()}
    count, rounds = results["labkit"][0][0], len(results["labkit"])
    print(
        f"\n{name}, {cores} core(s), {rounds} rounds, {epochs} epochs of {count} examples, ", end=""
    )
    print(f"batch {batch_size}; load of the machine {os.getloadavg()[0]:.1f}")
    print(
        f"{'':<20} {'examples/s':>10} {'lowest':>7} {'highest':>8} {'labkit is':>10} "
        f"{'(lowest to highest)':>20} {'whole training s':>17} {'labkit is':>10} {'loss':>7} "
        f"{score_name:>13}"
    )
    for way, runs in results.items():
        ratios = [ours / theirs for ours, theirs in zip(later["labkit"], later[way], strict=True)]
        rate, training = statistics.median(later[way]), statistics.median(whole[way])
        loss, score = (statistics.median(run[i] for run in runs) for i in (2, 3))
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"{way:<20} {rate:10,.0f} {min(later[way]):7,.0f} {max(later[way]):8,.0f} "
            f"{statistics.median(ratios):9.2f}x {spread:>20} {training:17.2f} "
            f"{training / statistics.median(whole['labkit']):9.2f}x {loss:7.4f} {score:13.4f}"
        )
    missing = sorted({package for package in WAYS.values() if not installed(package)})
    if missing:
        print(f"not compared, since not installed (`make backends`): {', '.join(missing)}")
    rate = statistics.median(later["labkit"]) * training_flop(name)
    print(
        f"labkit computes {rate / 1e9:.0f} GFLOP/s ({training_flop(name) / 1e6:.2f} MFLOP an "
        f"example), {100 * rate / peak:.0f} % of the {peak / 1e9:.0f} GFLOP/s of a 2048 x 2048 "
        "sgemm here"
    )


def main():
    """Read the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--workload", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--cores", type=int, help="cores and threads; default: 1 and then 2")
    parser.add_argument("--rounds", type=int, default=5, help="trainings of each way")
    asked = parser.parse_args()
    if not installed("tensorflow"):
        sys.exit("This compares training on TensorFlow, which is not installed here.")
    for name, cores in itertools.product(asked.workload, [asked.cores] if asked.cores else [1, 2]):
        if cores > available:
            print(f"\n{cores} cores were asked for and {available} are here: skipped")
        else:
            compare(name, cores, asked.rounds)


if __name__ == "__main__":
    main()
