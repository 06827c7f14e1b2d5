"""Train four networks on a GPU in seven ways, keep what was measured, and run lessons there.

    python benchmarks/gpu.py --carry .carry    where a package index can be reached, once
    python benchmarks/gpu.py --wheels .carry   on the machine with the GPU; it needs no network

MLP, CNN, LSTM and transformer of `training.py`, MLP and CNN on the full MNIST, in float32 (products
in TensorFloat-32, in every way) and in mixed precision: by labkit's `fit` and by `model.fit`, on
JAX and on PyTorch; by hand in PyTorch, with and without `torch.compile`; by hand in JAX. TensorFlow
is not needed. Then lessons 11, 13 and 14 at full size, as far as the time allows. Each result is
printed and kept as it comes, so that a run that is cut off loses nothing.
"""

import argparse
import contextlib
import csv
import datetime
import math
import multiprocessing
import os
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gpu_carry
import gpu_ways
from workloads import training_flop

STARTED = time.monotonic()
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
LESSON_NUMBERS = ("11", "13", "14")
NAMES = tuple(gpu_ways.NETWORKS)
# Seconds that one thing may take, so that one that hangs leaves time for the others.
START, PEAKS = 120.0, 60.0
TRAINING = {"cuda": 60.0, "cpu": 150.0}  # its compilation included
# What tells that a network has learned what it should: a least accuracy, a largest squared error.
MARKS = {"mlp": 0.97, "cnn": 0.983, "lstm": 1.25, "transformer": 0.42}
# Prices tell little, so that a bad LSTM scores nearly as well: its loss must be that of the others.
ALIKE = {"lstm": 0.05, "transformer": 0.05}  # share by which a loss may lie off the median
HEAD = (
    f"{'network':<12} {'precision':<9} {'way':<23} {'steps/s':>8} {'examples/s':>11} "
    f"{'first s':>8} {'of peak':>8} {'of bandwidth':>13} {'epochs':>6} {'loss':>8} {'score':>7}"
)


class Worker:
    """A process with Keras on one backend; a new one is started where the last had to be ended."""

    def __init__(self, backend):
        self.backend, self.process = backend, None

    def ask(self, task, *arguments, seconds):
        """Return ("done", result) or ("failed", why); after some seconds the process is ended."""
        if self.process is None:
            self.start()
        try:
            self.pipe.send((task, arguments))
            if self.pipe.poll(max(0, seconds)):
                return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            code = self.process.exitcode
            self.end(patience=0)
            return "failed", f"its process died with exit code {code}"
        self.end(patience=0)
        return "failed", f"it took more than {seconds:.0f} s"

    def start(self):
        """Start the process; it loads its framework when it is first asked."""
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=gpu_ways.work, args=(self.backend, there))
        self.process.start()
        there.close()  # so that a process that dies is noticed instead of waited for

    def end(self, patience=5):
        """Let the process go; after some seconds of patience it is killed."""
        if self.process is None:
            return
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.process.join(patience)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.process = None


class Table:
    """What was measured: printed, kept in a file, and compared at the end."""

    def __init__(self, path, common, peaks):
        self.path, self.common, self.peaks = path, common, peaks
        self.rows, self.failures = [], []

    def add(self, network, way, precision, found):
        """Keep a training: see `gpu_ways.train` for what was found."""
        seconds, later = found["seconds"], found["seconds"][1:]
        steps = found["examples"] // found["batch"]
        rate = steps * len(later) / sum(later)
        per_example = training_flop(network)
        row = self.common | {
            "network": network,
            "way": way,
            "precision": precision,
            "batch": found["batch"],
            "epochs": len(seconds),
            "examples": found["examples"],
            "steps_per_second": rate,
            "examples_per_second": rate * found["batch"],
            "first_epoch_seconds": seconds[0],
            "seconds": sum(seconds),
            "peak_fraction": rate * found["batch"] * per_example / self.peaks[precision],
            "bandwidth_fraction": rate * found["bytes"] / self.peaks["bytes"],
            "loss": found["loss"],
            "score": found["score"],
        }
        self.rows.append(row)
        print(
            f"{network:<12} {precision:<9} {way:<23} {rate:8,.0f} {rate * found['batch']:11,.0f} "
            f"{seconds[0]:8.2f} {row['peak_fraction']:8.2%} {row['bandwidth_fraction']:13.2%} "
            f"{len(seconds):6} {found['loss']:8.4f} {found['score']:7.4f}  {found['how']}",
            flush=True,
        )
        self.keep(row)

    def keep(self, row):
        """Append a row to the file; whoever reads it finds whole rows."""
        if self.path is None:
            return
        from labkit.data.gpu_runs import COLUMNS

        new = not self.path.exists() or not self.path.stat().st_size
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            if new:
                writer.writeheader()
            rounded = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(rounded)

    def fail(self, what, why):
        """Note and print what did not work."""
        self.failures.append(f"{what}: {why}")
        print(f"{what}: {why}", flush=True)


# --- the parts -----------------------------------------------------------------------------------


def prepare(asked, device, table, left):
    """Let `torch.compile` fill its cache, a few networks at once: nothing is measured meanwhile.

    Returns:
        The (precision, network, way) that did not compile: trying again would cost the time twice.
    """
    end = left() * 2 / 3  # what must be left when all of it is over
    way, refused = "by hand, torch.compile", set()

    def compile_all(network):
        worker = Worker("torch")
        for precision in asked.precision:
            arguments = (network, precision, device, asked.small)
            state, found = worker.ask("compile", *arguments, seconds=left() - end)
            if state == "failed":
                refused.add((precision, network, way))
                table.fail(f"{network}, {precision}, {way}, in preparation", found)
            else:
                print(f"{network}, {precision}: {way}, in preparation, {found:.1f} s", flush=True)
        worker.end()

    with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) // 4)) as pool:
        list(pool.map(compile_all, asked.network))
    return refused


def plan(asked):
    """Return (precision, network, way) in the order of their weight: `model.fit` comes last."""
    first = [way for way in asked.way if not way.startswith("model.fit")]
    last = [way for way in asked.way if way.startswith("model.fit")]
    return [
        (precision, network, way)
        for ways in (first, last)
        for precision in asked.precision
        for network in asked.network
        for way in ways
    ]


def train_all(asked, device, workers, table, left, refused=frozenset()):
    """Train all that was asked for and not refused while there is time; return what is left."""
    tasks = [task for task in plan(asked) if task not in refused]
    print(HEAD, flush=True)
    for number, (precision, network, way) in enumerate(tasks):
        if left() < asked.seconds + 5:
            return [", ".join(task) for task in tasks[number:]]
        arguments = (network, way, precision, device, asked.seconds, asked.small)
        worker = workers[gpu_ways.WAYS[way]]
        state, found = worker.ask("train", *arguments, seconds=min(left(), TRAINING[device]))
        if state == "failed":
            table.fail(f"{network}, {precision}, {way}", found)
        else:
            table.add(network, way, precision, found)
    return []


def judge(table, small):
    """Note networks that did not learn what they should; one that was cut short is not judged."""
    whole = [row for row in table.rows if row["epochs"] == gpu_ways.NETWORKS[row["network"]][2]]
    for row in [] if small else whole:
        network, score, loss = row["network"], row["score"], row["loss"]
        if network in ("mlp", "cnn") and row["examples"] < 60000:
            continue  # the marks are those of the full MNIST
        what = f"{network}, {row['precision']}, {row['way']}"
        mark, most = MARKS[network], network == "lstm"
        if not (score <= mark if most else score >= mark):
            expected = f"at {'most' if most else 'least'} {mark}"
            table.fail(what, f"learned less than it should: {score:.4f}, {expected} expected")
        median = statistics.median(each["loss"] for each in whole if each["network"] == network)
        if not abs(loss / median - 1) <= ALIKE.get(network, math.inf):
            table.fail(what, f"learned something else: loss {loss:.4f}, the median is {median:.4f}")


def run_lessons(asked, table, left):
    """Run lessons at full size on JAX while there is time; return what was left out."""
    for number, lesson in enumerate(asked.lessons):
        if left() < 20:
            return [f"lesson {lesson}" for lesson in asked.lessons[number:]]
        folder, started, seconds = Path(asked.to) / lesson, time.perf_counter(), left()
        command = [sys.executable, "-m", "labkit", "run", lesson, "--to", str(folder)]
        command += ["-p", "epochs=1"] if asked.small else ["--full"]
        code, said = call([*command, "--timeout", f"{seconds - 10:.0f}"], seconds)
        took = time.perf_counter() - started
        if code is None:
            table.fail(f"lesson {lesson}", f"not done after the {seconds:.0f} s that were left")
        elif code:
            last = said.strip().splitlines()[-3:]
            table.fail(f"lesson {lesson}", f"failed after {took:.0f} s: {' / '.join(last)}")
        else:
            print(f"lesson {lesson}: finished in {took:.1f} s", flush=True)
            size = "small" if asked.small else "--full"
            way = f"labkit run {size}, JAX"
            table.keep(table.common | {"network": f"lesson {lesson}", "way": way, "seconds": took})
    return []


def call(command, seconds):
    """Run a command with Keras on JAX; return its exit status, None if stopped, and what it said.

    What it says goes to a file: a pipe would be waited for until the last of its children ends.
    """
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": python_path()}
    with tempfile.TemporaryFile("w+") as said:
        options = {"env": environment, "stdout": said, "stderr": said, "start_new_session": True}
        process = subprocess.Popen(command, **options)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None, ""
        said.seek(0)
        return process.returncode, said.read()


def python_path():
    """Return the path of this process for its children: labkit and what was carried."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


# --- what it says at the end ---------------------------------------------------------------------


def compare(rows):
    """Return the lines of the comparison: labkit's faster way beside each other one."""
    lines = []
    for precision in dict.fromkeys(row["precision"] for row in rows):
        for network in dict.fromkeys(row["network"] for row in rows):
            rates = {
                row["way"]: row["steps_per_second"]
                for row in rows
                if (row["precision"], row["network"]) == (precision, network)
            }
            ours = {way: rate for way, rate in rates.items() if way.startswith("labkit")}
            others = {way: rate for way, rate in rates.items() if way not in ours}
            if ours and others:
                lines.append(f"{network}, {precision}: {ratios(ours, others)}")
    return lines


def ratios(ours, others):
    """Return labkit's rate over the others', and whether it is where it should be."""
    best = max(ours, key=ours.get)
    told = [f"{best} is {ours[best] / rate:.2f}x of {way}" for way, rate in others.items()]
    eager = others.get("by hand, PyTorch")
    if eager:
        told.append("ahead of eager PyTorch" if ours[best] > eager else "BEHIND eager PyTorch")
    compiled = [others[way] for way in ("by hand, torch.compile", "by hand, JAX") if way in others]
    if compiled:
        share = ours[best] / max(compiled)
        reached = "reached" if share >= 0.9 else "MISSED"
        told.append(f"{share:.2f} of the best compiled loop (goal 0.9: {reached})")
    return "; ".join(told)


# --- the command ---------------------------------------------------------------------------------


def options():
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--carry", metavar="FOLDER", help="fill a folder with wheels and MNIST to take along")
    add("--python", default="3.12", help="with --carry: version of the Python there (%(default)s)")
    add("--wheels", metavar="FOLDER", help="what --carry filled; without it, nothing is installed")
    add("--minutes", type=float, default=7.5, help="for everything, set-up included (%(default)s)")
    add(
        "--seconds",
        type=float,
        default=3.0,
        help="of a training, then no further epoch begins (%(default)s)",
    )
    names = f"of {', '.join(NAMES)}; nothing after it: lessons alone"
    add("--network", nargs="*", choices=NAMES, default=NAMES, metavar="NAME", help=names)
    kinds, ways = gpu_ways.PRECISIONS, list(gpu_ways.WAYS)
    words = f"of {', '.join(kinds)}; default: the last two, on a CPU the first and the last"
    add("--precision", nargs="+", choices=kinds, metavar="KIND", help=words)
    words = f"each in quotes, of {', '.join(map(repr, ways))}"
    add("--way", nargs="+", choices=ways, default=ways, metavar="WAY", help=words)
    words = f"of {', '.join(LESSON_NUMBERS)}; nothing after it: trainings alone"
    numbers = LESSON_NUMBERS
    add("--lessons", nargs="*", choices=numbers, default=numbers, metavar="NN", help=words)
    add("--to", default="runs/gpu", help="folder for the lessons' runs (%(default)s)")
    add("--csv", type=Path, help="where rows are kept; default: data/gpu_runs.csv, CPU: nowhere")
    add("--small", action="store_true", help="a few examples, lessons in small: a trial of it all")
    return parser.parse_args()


def main():
    """Carry, or install and measure; exit status 0 only if all that was begun succeeded."""
    asked = options()
    try:
        if asked.carry:
            size = gpu_carry.carry(asked.carry, asked.python, lessons=bool(asked.lessons))
            print(f"{asked.carry}: {size / 1e6:.1f} MB for Python {asked.python}")
            return 0
        with tempfile.TemporaryDirectory(prefix="labkit-gpu-") as folder:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder, "inductor"))
            if asked.wheels:
                settle(Path(asked.wheels).resolve(), Path(folder, "site"))
            return measure(asked)
    except RuntimeError as error:
        sys.exit(str(error))


def settle(wheels, site):
    """Install the carried wheels, and let them and the carried data be found."""
    names = gpu_carry.install(wheels, site)
    print(f"{len(names)} packages installed from {wheels}, {clock():.0f} s", flush=True)
    sys.path.insert(0, str(site))
    found = [str(site), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, found))
    if (wheels / "mnist.npz").exists():
        os.environ["LABKIT_DATA"] = str(wheels)


def clock():
    """Return the seconds since the command began."""
    return time.monotonic() - STARTED


def measure(asked):
    """Measure all that was asked for; return the exit status."""
    left = lambda: 60 * asked.minutes - clock()
    workers = {backend: Worker(backend) for backend in ("torch", "jax")}
    try:
        card, table = begin(asked, workers, left)
        refused = set()
        if asked.network and "by hand, torch.compile" in asked.way:
            refused = prepare(asked, card, table, left)
        missing = train_all(asked, card, workers, table, left, refused)
    finally:
        for worker in workers.values():
            worker.end()
    missing += run_lessons(asked, table, left)
    judge(table, asked.small)
    for line in compare(table.rows):
        print(line)
    if missing:
        print(f"not begun, for {asked.minutes:g} minutes are over: {'; '.join(missing)}")
    if table.failures:
        print("\n".join(["what did not work:", *table.failures]))
    print(f"{len(table.rows)} trainings in {clock():.0f} s; kept in {table.path or 'no file'}")
    return int(bool(table.failures))


def begin(asked, workers, left):
    """Return the device's kind and an empty table; without JAX, PyTorch is measured alone."""
    with ThreadPoolExecutor() as pool:  # both load their frameworks at once
        ask = lambda worker: worker.ask("about", seconds=min(left(), START))
        found = dict(zip(workers, pool.map(ask, workers.values()), strict=True))
    wrong = without_jax(asked, *found.values())
    found = {name: told(answer) for name, answer in found.items() if name == "torch" or not wrong}
    kind = found["torch"][1]
    asked.precision = asked.precision or (("tf32" if kind == "cuda" else "float32"), "bfloat16")
    rates = ("peaks", asked.precision, kind, asked.small)
    peaks = told(workers["torch"].ask(*rates, seconds=min(left(), PEAKS)))
    versions = {name: number for each in found.values() for name, number in each[0].items()}
    common = {
        "date": datetime.date.today().isoformat(),
        "card": found["torch"][2],
        "driver": driver() if kind == "cuda" else "",
        "python": platform.python_version(),
        "frameworks": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "command": shlex.join(["python", "benchmarks/gpu.py", *sys.argv[1:]]),
    }
    print(", ".join(filter(None, [common["card"], common["driver"], common["frameworks"]])))
    for precision in asked.precision:
        print(f"a large matrix product, {precision}: {peaks[precision] / 1e12:.3g} TFLOP/s")
    print(f"a large copy: {peaks['bytes'] / 1e12:.3g} TB/s; {clock():.0f} s so far", flush=True)
    path = asked.csv or (ROOT / "data" / "gpu_runs.csv" if kind == "cuda" else None)
    table = Table(path, common, peaks)
    if wrong:
        table.fail("everything on JAX is left out", wrong)
    return kind, table


def without_jax(asked, torch, jax):
    """Leave out what needs JAX if it does not compute where PyTorch does; return why, or ""."""
    if torch[0] == "failed":
        return ""
    kind, (state, found) = torch[1][1], jax
    if state == "done" and found[1] == kind:
        return ""
    asked.way = [way for way in asked.way if gpu_ways.WAYS[way] != "jax"]
    asked.lessons = ()
    return found if state == "failed" else f"it uses the {found[1]}, PyTorch the {kind}"


def told(answer):
    """Return the result of a worker, or end with its reason."""
    state, found = answer
    if state == "failed":
        sys.exit(f"nothing could be measured: {found}")
    return found


def driver():
    """Return the version of NVIDIA's driver, "" if its tool is not there."""
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.split("\n")[0].strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
