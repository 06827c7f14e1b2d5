"""Train four networks in several ways and print how their speeds compare.

The same network, data, batch size, epochs, optimizer and cores; every way reports loss and a
score of each epoch. Each way lives in a process of its own and waits while another one works.
They take turns, round after round, so that a disturbance hits them all; the ratios are what
counts, and only within one run.

    python benchmarks/training.py --cores 1
    python benchmarks/training.py --workload mlp lstm --cores 2 --rounds 5
    python benchmarks/training.py --ways "labkit on JAX" jax
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
    "labkit on JAX": "jax",
    "keras": "tensorflow",
    "keras on JAX": "jax",
    "torch": "torch",
    "torch channels_last": "torch",
    "jax": "jax",
}
OURS = ("labkit", "labkit on JAX")


# --- the ways: each returns (seconds of each epoch, last loss, score on held-out data) ----------


def train_labkit(*asked):
    """Train with `labkit.networks.training.fit`."""
    from labkit.networks.training import fit

    return train_by(fit, *asked)


def train_keras(*asked):
    """Train with `model.fit` of Keras and its defaults."""
    return train_by(lambda model, *args, **settings: model.fit(*args, **settings), *asked)


def train_by(fit, name, data, batch_size, epochs, seed):
    """Train a Keras model; the first epoch is taken from the call on, with all that it compiles."""
    import keras

    model = WORKLOADS[name][1](seed)
    ends = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    found = fit(model, data.x, data.y, batch_size, epochs, callbacks=[clock], verbose=0)
    seconds = [after - before for before, after in itertools.pairwise(ends)]
    return seconds, found.history["loss"][-1], keras_score(model, data)


def keras_score(model, data):
    """Return the second of the numbers that Keras measures: accuracy or squared error."""
    return model.evaluate(data.x_test, data.y_test, verbose=0)[1]


def sgemm_flops(size=2048, repeats=7):
    """Return the best rate of this process's product of two square float32 matrices, in FLOP/s."""
    import keras

    a = keras.random.uniform((size, size))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(a, a))
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)


# --- one process a way ---------------------------------------------------------------------------


def work(way, name, cores, pipe):
    """Do what comes through the pipe: train with a seed, measure the peak, or stop (None)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    os.environ.update(dict.fromkeys(threads, str(cores)))
    backend = "jax" if way.endswith("JAX") else "tensorflow"
    os.environ.update(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS="cpu")
    if way.startswith("torch"):
        import torch

        torch.set_num_threads(cores)
    elif way != "jax":
        from labkit.networks.backend import keras  # noqa: F401  (the backend without its notes)
    import peers

    trainings = {
        **dict.fromkeys(OURS, train_labkit),
        **dict.fromkeys(("keras", "keras on JAX"), train_keras),
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


def compare(name, cores, rounds, ways):
    """Print the table of one training for one number of cores."""
    ways = [way for way in ways if installed(WAYS[way])]
    ways = [way for way in ways if name == "cnn" or way != "torch channels_last"]
    asks = {way: start(way, name, cores) for way in ways}
    # Warm-up: imports are not counted, and of the rest only the first epoch is told.
    cold = {way: ask(0)[1][0] for way, ask in asks.items()}
    results = {way: [] for way in ways}
    for seed in range(1, rounds + 1):
        for way in ways:
            results[way].append(asks[way](seed))
    # The fastest product of large matrices that any of the frameworks reaches here.
    peak = max(asks[way]("peak") for way in ways if way in OURS)
    for ask in asks.values():
        ask(None)
    report(name, cores, results, cold, peak)


def installed(package):
    """Tell whether a package is there, without importing it."""
    from importlib.util import find_spec

    return find_spec(package) is not None


def report(name, cores, results, cold, peak):
    """Print the tables; `results` holds (examples, seconds, loss, score) a round for each way.

    `cold` holds the seconds of the very first epoch in each process.
    """
    _, _, batch_size, epochs, score_name = WORKLOADS[name]
    later = {  # examples per second in the epochs after the first, one value a round
        way: [count * (epochs - 1) / sum(seconds[1:]) for count, seconds, _, _ in runs]
        for way, runs in results.items()
    }
    first = {way: [run[1][0] for run in runs] for way, runs in results.items()}
    whole = {way: [sum(run[1]) for run in runs] for way, runs in results.items()}
    count, rounds = next((runs[0][0], len(runs)) for runs in results.values())
    print(
        f"\n{name}, {cores} core(s), {rounds} rounds, {epochs} epochs of {count} examples, ", end=""
    )
    print(f"batch {batch_size}; load of the machine {os.getloadavg()[0]:.1f}")
    print(
        f"{'':<20} {'examples/s':>10} {'lowest':>8} {'highest':>8} {'of peak':>8} "
        f"{'cold epoch s':>13} {'first s':>8} {'later s':>8} {'all s':>7} {'loss':>7} "
        f"{score_name:>13}"
    )
    for way, runs in results.items():
        rate, training = statistics.median(later[way]), statistics.median(whole[way])
        share = 100 * rate * training_flop(name) / peak
        loss, score = (statistics.median(run[i] for run in runs) for i in (2, 3))
        print(
            f"{way:<20} {rate:10,.0f} {min(later[way]):8,.0f} {max(later[way]):8,.0f} "
            f"{share:7.0f}% "
            f"{cold[way]:13.2f} {statistics.median(first[way]):8.3f} {count / rate:8.3f} "
            f"{training:7.2f} {loss:7.4f} {score:13.4f}"
        )
    for ours in (way for way in OURS if way in results):
        print(f"{ours} is as fast as (lowest to highest round; whole training)")
        for way in results:
            if way != ours:
                print(f"  {way:<18} {ratio(later[ours], later[way], whole[way], whole[ours])}")
    missing = sorted({package for package in WAYS.values() if not installed(package)})
    if missing:
        print(f"not compared, since not installed (`make backends`): {', '.join(missing)}")
    print(
        f"peak: {peak / 1e9:.0f} GFLOP/s, the best 2048 x 2048 sgemm of TensorFlow and JAX here; "
        f"an example costs {training_flop(name) / 1e6:.2f} MFLOP"
    )


def ratio(rates, other_rates, other_seconds, seconds):
    """Return how many times as fast, round by round, later epochs and the whole training are."""
    of_rates = [ours / theirs for ours, theirs in zip(rates, other_rates, strict=True)]
    of_whole = [theirs / ours for ours, theirs in zip(seconds, other_seconds, strict=True)]
    spread = f"({min(of_rates):.2f} to {max(of_rates):.2f}; {statistics.median(of_whole):.2f}x)"
    return f"{statistics.median(of_rates):5.2f}x {spread}"


def main():
    """Read the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--workload", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--cores", type=int, help="cores and threads; default: 1 and then 2")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=5, help="trainings of each way")
    asked = parser.parse_args()
    if not any(way in OURS and installed(WAYS[way]) for way in asked.ways):
        sys.exit(f"Ask for at least one of {', '.join(OURS)}, whose backend is installed here.")
    for name, cores in itertools.product(asked.workload, [asked.cores] if asked.cores else [1, 2]):
        if cores > available:
            print(f"\n{cores} cores were asked for and {available} are here: skipped")
        else:
            compare(name, cores, asked.rounds, asked.ways)


if __name__ == "__main__":
    main()
