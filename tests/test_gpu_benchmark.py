"""`benchmarks/gpu.py` without a GPU: the command in small, its table, its file, its errors."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from labkit.data import DataError
from labkit.data.gpu_runs import COLUMNS, gpu_runs

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("the benchmarks are not in this copy", allow_module_level=True)


@pytest.fixture(scope="module")
def gpu():
    """The command as a module; what it loads beside it is gone again afterwards."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import gpu

        yield gpu
    for name in set(sys.modules) - before:
        if name in ("gpu", "gpu_carry", "gpu_ways", "peers", "workloads"):
            del sys.modules[name]


def found(**changed):
    """What a training of the CNN tells: 500 steps an epoch, 1,000 a second from the second on."""
    told = {"seconds": [9.0, 0.5, 0.5, 0.5, 0.5], "loss": 0.02, "score": 0.99, "how": "one call"}
    return told | {"examples": 60000, "batch": 120, "bytes": 1e6} | changed


def table_of(gpu, path=None):
    common = {"date": "2026-01-02", "card": "a card", "driver": "1", "python": "3.12.3"}
    common |= {"frameworks": "jax 1, torch 2", "command": "python benchmarks/gpu.py"}
    return gpu.Table(path, common, {"tf32": 1e15, "bfloat16": 2e15, "bytes": 4e12})


# --- the table and the file ----------------------------------------------------------------------


def test_rates_leave_the_first_epoch_out_and_shares_are_those_of_the_device(gpu):
    from workloads import training_flop

    table = table_of(gpu)
    table.add("cnn", "labkit, JAX", "tf32", found())
    (row,) = table.rows
    assert row["steps_per_second"] == 1000
    assert row["examples_per_second"] == 120_000
    assert row["first_epoch_seconds"] == 9.0
    assert row["peak_fraction"] == pytest.approx(120_000 * training_flop("cnn") / 1e15)
    assert row["bandwidth_fraction"] == pytest.approx(1000 * 1e6 / 4e12)


def test_each_row_is_kept_at_once_and_read_back_with_its_types(gpu, tmp_path, monkeypatch):
    table = table_of(gpu, tmp_path / "gpu_runs.csv")
    table.add("cnn", "labkit, JAX", "tf32", found())
    first = (tmp_path / "gpu_runs.csv").read_text()
    table.add("cnn", "by hand, JAX", "bfloat16", found(seconds=[1.0, 1.0]))
    assert (tmp_path / "gpu_runs.csv").read_text().startswith(first)
    table.keep(table.common | {"network": "lesson 11", "way": "labkit run", "seconds": 12.5})
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    runs = gpu_runs()
    assert list(runs.columns) == list(COLUMNS)
    assert runs["way"].tolist() == ["labkit, JAX", "by hand, JAX", "labkit run"]
    assert runs["steps_per_second"].tolist()[:2] == [1000, 500]
    assert runs["epochs"].tolist()[:2] == [5, 2]
    assert runs["epochs"].isna().tolist() == [False, False, True]
    assert runs["driver"].tolist() == ["1"] * 3


def test_the_kept_runs_have_all_columns_also_while_there_are_none():
    runs = gpu_runs()
    assert list(runs.columns) == list(COLUMNS)
    assert {str(runs[name].dtype) for name in ("peak_fraction", "loss")} == {"float64"}


@pytest.mark.parametrize("change", [("score", "points"), ("120", "many")])
def test_a_damaged_file_is_named_with_what_it_needs(gpu, tmp_path, monkeypatch, change):
    path = tmp_path / "gpu_runs.csv"
    table_of(gpu, path).add("cnn", "labkit, JAX", "tf32", found())
    path.write_text(path.read_text().replace(*change, 1))
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"gpu_runs\.csv is damaged.*git checkout data"):
        gpu_runs()


# --- what is learned, and what is compared -------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "changed", "words"),
    [
        ("cnn", {}, ""),
        ("cnn", {"score": 0.982}, "0.9820, at least 0.983 expected"),
        ("cnn", {"score": 0.5, "seconds": [9.0, 0.5]}, ""),  # cut short: not judged
        ("cnn", {"score": 0.5, "examples": 4000}, ""),  # the marks are those of the full MNIST
        ("lstm", {"score": 1.3, "seconds": [0.1] * 10}, "1.3000, at most 1.25 expected"),
        ("cnn", {"score": float("nan")}, "at least 0.983 expected"),
    ],
)
def test_a_network_that_learned_too_little_is_named(gpu, network, changed, words):
    table = table_of(gpu)
    table.add(network, "labkit, JAX", "tf32", found(**changed))
    gpu.judge(table, small=False)
    assert len(table.failures) == bool(words)
    assert words in "".join(table.failures)


def test_a_loss_that_is_not_that_of_the_others_is_named(gpu):
    table = table_of(gpu)
    for way, loss in [("labkit, JAX", 1.11), ("by hand, JAX", 1.10), ("model.fit, JAX", 1.2)]:
        values = found(loss=loss, score=1.15, seconds=[0.1] * 10)
        table.add("lstm", way, "tf32", values)
    gpu.judge(table, small=False)
    (failure,) = table.failures
    assert failure == "lstm, tf32, model.fit, JAX: learned something else: loss 1.2000, the " \
        "median is 1.1100"  # fmt: skip


def test_labkits_faster_way_is_held_beside_each_other_one(gpu):
    rates = {"labkit, JAX": 95, "labkit, PyTorch": 20, "by hand, PyTorch": 50, "by hand, JAX": 100}
    rows = [
        {"network": "mlp", "precision": "tf32", "way": way, "steps_per_second": rate}
        for way, rate in rates.items()
    ]
    (line,) = gpu.compare(rows)
    assert "labkit, JAX is 1.90x of by hand, PyTorch" in line
    assert "ahead of eager PyTorch" in line
    assert "0.95 of the best compiled loop (goal 0.9: reached)" in line
    rows[0]["steps_per_second"] = 40
    (line,) = gpu.compare(rows)
    assert "BEHIND eager PyTorch" in line
    assert "goal 0.9: MISSED" in line


def test_what_matters_most_is_measured_first_and_what_there_is_no_time_for_is_named(gpu, capsys):
    asked = SimpleNamespace(
        network=("mlp", "cnn"), precision=("tf32", "bfloat16"), seconds=3.0, small=True,
        way=("model.fit, JAX", "labkit, JAX", "by hand, JAX"),
    )  # fmt: skip
    tasks = gpu.plan(asked)
    assert len(tasks) == 12
    assert [way for _, _, way in tasks[-4:]] == ["model.fit, JAX"] * 4
    assert tasks[0] == ("tf32", "mlp", "labkit, JAX")
    left = gpu.train_all(asked, "cuda", {}, table_of(gpu), left=lambda: 7.0)
    assert left == [", ".join(task) for task in tasks]


# --- processes -----------------------------------------------------------------------------------


def test_a_process_that_fails_dies_or_takes_too_long_costs_only_its_task(gpu):
    worker = gpu.Worker("jax")
    try:
        state, why = worker.ask("nothing of this name", seconds=60)
        assert (state, why) == ("failed", "KeyError: 'nothing of this name'")
        worker.process.kill()
        assert worker.ask("about", seconds=60) == ("failed", "its process died with exit code -9")
        assert worker.ask("about", seconds=0.0) == ("failed", "it took more than 0 s")
        assert worker.process is None
    finally:
        worker.end()


def test_what_does_not_compile_is_not_tried_again(gpu, monkeypatch, capsys):
    class Stub:
        def __init__(self, backend):
            pass

        def ask(self, task, network, precision, device, small, seconds):
            assert seconds <= 100  # a third of what is left
            return ("done", 2.0) if network == "mlp" else ("failed", "no compiler")

        def end(self):
            pass

    monkeypatch.setattr(gpu, "Worker", Stub)
    asked = SimpleNamespace(
        network=("mlp", "cnn"), precision=("tf32",), seconds=3.0, small=True,
        way=("by hand, torch.compile",),
    )  # fmt: skip
    table = table_of(gpu)
    refused = gpu.prepare(asked, "cuda", table, left=lambda: 300.0)
    assert refused == {("tf32", "cnn", "by hand, torch.compile")}
    assert table.failures == ["cnn, tf32, by hand, torch.compile, in preparation: no compiler"]
    left = gpu.train_all(asked, "cuda", {}, table, left=lambda: 7.0, refused=refused)
    assert left == ["tf32, mlp, by hand, torch.compile"]


CUDA, CPU = (("done", ({"x": "1"}, kind, "a card")) for kind in ("cuda", "cpu"))


@pytest.mark.parametrize(
    ("torch", "jax", "why"),
    [
        (CUDA, CUDA, ""),
        (CUDA, CPU, "it uses the cpu, PyTorch the cuda"),
        (CUDA, ("failed", "ImportError: jax"), "ImportError: jax"),
        (("failed", "ImportError: torch"), CUDA, ""),  # nothing can be measured then
    ],
)
def test_where_jax_does_not_use_the_card_pytorch_is_measured_alone(gpu, torch, jax, why):
    asked = SimpleNamespace(way=list(gpu.gpu_ways.WAYS), lessons=("11",))
    assert gpu.without_jax(asked, torch, jax) == why
    assert any("JAX" in way for way in asked.way) == bool(asked.lessons) == (not why)
    assert "by hand, PyTorch" in asked.way


def test_a_command_that_hangs_is_ended_with_its_children_still_holding_its_output(gpu):
    assert gpu.call([sys.executable, "-c", "print('fine')"], 60) == (0, "fine\n")
    child = (
        "import subprocess, sys, time\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(30)']\n"
        "subprocess.Popen(sleep, start_new_session=True)\ntime.sleep(30)"
    )
    before = time.monotonic()
    assert gpu.call([sys.executable, "-c", child], 2) == (None, "")
    assert time.monotonic() - before < 20


# --- wheels --------------------------------------------------------------------------------------


def test_every_carried_package_has_one_version_in_the_lock_file(gpu):
    names = gpu.gpu_carry.TRAINING + gpu.gpu_carry.LESSONS
    assert len(set(names)) == len(names) == len(gpu.gpu_carry.locked(names))
    with pytest.raises(RuntimeError, match=r"requirements\.lock does not name: no-such"):
        gpu.gpu_carry.locked(["keras", "no-such"])


def test_all_that_is_needed_is_carried_or_expected_there(gpu):
    """Also what a package needs only with an extra that another asks for, such as bleach[css]."""
    carry = gpu.gpu_carry
    left, asked = [(name, frozenset()) for name in carry.TRAINING + carry.LESSONS], set()
    while left:
        asked.add(one := left.pop())
        for text in metadata.requires(one[0]) or []:
            need = Requirement(text)
            there = [{"extra": extra, "python_version": "3.12"} for extra in one[1] | {""}]
            if not need.marker or any(map(need.marker.evaluate, there)):
                name = re.sub(r"[-_.]+", "-", need.name).lower()
                if name not in carry.COMPANY and (name, frozenset(need.extras)) not in asked:
                    left.append((name, frozenset(need.extras)))
    unused = {"icalendar", "shapely", "tzdata"}  # of bokeh-sampledata, for data that are not read
    assert {name for name, _ in asked} - unused == {*carry.TRAINING, *carry.LESSONS}


def test_only_what_is_missing_is_installed_and_into_its_own_folder(gpu, tmp_path):
    with pytest.raises(RuntimeError, match=r"no wheels in .*--carry"):
        gpu.gpu_carry.install(tmp_path, tmp_path / "site")
    write_wheel(tmp_path, "labkit_test_cargo")
    write_wheel(tmp_path, "numpy")  # it is here: its wheel is left alone
    assert gpu.gpu_carry.install(tmp_path, tmp_path / "site") == ["labkit-test-cargo"]
    assert (tmp_path / "site" / "labkit_test_cargo.py").exists()
    assert not (tmp_path / "site" / "numpy.py").exists()


def test_a_wheel_that_pip_refuses_is_left_out_unless_every_training_needs_it(
    gpu, tmp_path, monkeypatch, capsys
):
    write_wheel(tmp_path, "labkit_test_cargo")
    (tmp_path / "labkit_test_broken-1-py3-none-any.whl").write_bytes(b"not a wheel")
    assert gpu.gpu_carry.install(tmp_path, tmp_path / "site") == ["labkit-test-cargo"]
    assert (tmp_path / "site" / "labkit_test_cargo.py").exists()
    assert "labkit-test-broken could not be installed: " in capsys.readouterr().out
    monkeypatch.setattr(gpu.gpu_carry, "TRAINING", ("keras", "labkit-test-broken"))
    with pytest.raises(RuntimeError, match="pip could not install labkit-test-broken"):
        gpu.gpu_carry.install(tmp_path, tmp_path / "other")


def write_wheel(folder, name):
    """Write the smallest wheel that pip takes."""
    about = f"{name}-1.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not (find_spec("jax") and find_spec("torch")), reason="make backends adds them")
def test_the_whole_command_trains_in_every_way_and_keeps_what_it_found(gpu, tmp_path):
    ways = [way for way in gpu.gpu_ways.WAYS if shutil.which("gcc") or "compile" not in way]
    done = subprocess.run(
        [
            *(sys.executable, BENCHMARKS / "gpu.py", "--small", "--lessons", "--network", "mlp"),
            *("--precision", "bfloat16", "--csv", tmp_path / "gpu_runs.csv", "--minutes", "8"),
            *("--way", *ways),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "LABKIT_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_DATA", str(tmp_path))
        runs = gpu_runs()
    assert set(runs["way"]) == set(ways)
    assert set(runs["examples"]) == {64}
    assert runs["loss"].between(1.0, 1.6).all()  # every way has learned the same in eight steps
    assert (runs["peak_fraction"] > 0).all()
    assert (runs["bandwidth_fraction"] > 0).all()
    assert "the best compiled loop" in done.stdout
