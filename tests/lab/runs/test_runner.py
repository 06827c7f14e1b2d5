import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import jupyter_client
import nbformat
import papermill
import pytest
import yaml
from helpers import NASTY, fill, largest_file, small_disk

import labkit
from labkit.lab import lesson as lessons
from labkit.lab.parameters import ParameterError
from labkit.lab.records import folders
from labkit.lab.records.entry import Record
from labkit.lab.runs.limits import RunError
from labkit.lab.runs.runner import Run
from labkit.lab.table import results

RECORD = "from labkit.lab import record, expect\nrecord('98', answer=2 * rate)"
FAIL_AT_WILL = "import os\nif os.environ.get('FAIL'):\n    1 / 0"


# --- refused before anything runs ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"rat": 0.1}, "Did you mean 'rate'"),
        ({"rate": "fast"}, "rate = 'fast' is not allowed"),
        ({"rate": 2}, "a number from 0.01 to 1"),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(lab, given, reason):
    lab.lesson(RECORD)
    with pytest.raises(ParameterError, match=reason):
        labkit.run("98", given)
    assert not lab.runs.exists()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_makes_no_sense_is_refused(lab, timeout):
    lab.lesson(RECORD)
    with pytest.raises(RunError, match="a number of seconds above 0"):
        labkit.run("98", timeout=timeout)


def test_a_broken_notebook_is_refused_by_name(lab):
    lab.lesson(RECORD).write_text("{")
    with pytest.raises(ParameterError, match=r"98_trial\.ipynb is not a readable notebook"):
        labkit.run("98")


@pytest.mark.parametrize("content", ["[1]", "a: [", "98_trial: 3", "98_trial: [1]", "\x00"])
def test_a_broken_list_of_full_size_parameters_is_refused_by_name(lab, content):
    path = lab.lesson(RECORD)
    (path.parent / "full.yml").write_text(content)
    with pytest.raises(ParameterError, match=r"full\.yml must list"):
        lessons.read(path).values(full=True)


def test_full_size_parameters_are_those_of_the_lesson_and_are_checked(lab):
    path = lab.lesson(RECORD)
    assert lessons.read(path).full == {}
    (path.parent / "full.yml").write_text(yaml.safe_dump({"98_trial": {"rate": 7}}))
    assert lessons.read(path).full == {"rate": 7}
    with pytest.raises(ParameterError, match=r"rate = 7\.0 is not allowed"):
        labkit.run("98", full=True)
    (path.parent / "full.yml").write_text("97_other:\n  rate: 1\n98_trial:\n")
    assert lessons.read(path).full == {}


# --- what identifies a run ----------------------------------------------------------------------


def identity(lab, *cells, rate=0.1, **lesson) -> str:
    return lessons.read(lab.lesson(*cells, **lesson)).identity({"rate": rate})


def test_identity_is_code_and_parameters(lab):
    base = identity(lab, RECORD)
    assert identity(lab, RECORD) == base
    assert identity(lab, RECORD, title="# 98 · Another title") == base  # prose decides nothing
    assert identity(lab, RECORD, rate=0.2) != base
    assert identity(lab, RECORD + "\n1") != base
    assert identity(lab, RECORD, name="97_trial") != base


def test_titles(lab):
    def title(source):
        return lessons.read(lab.lesson(RECORD, title=source)).title

    assert title("# 01 · Gradient descent\n\nText") == "Gradient descent"
    assert title("# 11 Convolution\ntext") == "Convolution"
    assert title("") == "trial"  # the name of its file


# --- how a folder gets its name -------------------------------------------------------------------


def staged(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(name)
    return folder


def test_a_folder_replaces_the_one_before(tmp_path):
    for name in (".a", ".b"):
        folders._replace(staged(tmp_path, name), tmp_path / "final")
        assert (tmp_path / "final" / "record.json").read_text() == name
        assert os.listdir(tmp_path) == ["final"]


def test_many_at_once_leave_one_whole_folder(tmp_path):
    errors = []

    def work(worker):
        try:
            for n in range(40):
                folders._replace(staged(tmp_path, f".{worker}-{n}"), tmp_path / "final")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(w,)) for w in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["final"]
    assert os.listdir(tmp_path / "final") == ["record.json"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path):
    final = staged(tmp_path, "final")
    with pytest.raises(OSError, match="No such file"):
        folders._replace(tmp_path / "missing", final)
    assert (final / "record.json").read_text() == "final"


def test_a_run_can_be_copied_and_sent_to_another_process(tmp_path):
    run = Run(Record(lesson="98", run_id="aaa", status="finished"), tmp_path)
    for twin in (copy.copy(run), copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert twin == run
        assert twin.ok
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        run.nothing  # noqa: B018


# --- whole runs -------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_good_run_leaves_notebook_page_and_record(lab):
    lab.lesson(RECORD, "expect('answer', 0.1, 0.3, because='twice the rate')")
    run = labkit.run(98)
    assert run.ok
    assert run.results == {"answer": 0.2}
    assert [e["held"] for e in run.expectations] == [True]
    assert sorted(os.listdir(run.folder)) == ["lesson.html", "notebook.ipynb", "record.json"]
    assert json.loads((run.folder / "record.json").read_text()) == run.entry
    (row,) = results().to_dict("records")
    assert row["result.answer"] == 0.2
    assert row["param.rate"] == 0.1
    assert row["seconds"] > 0
    assert {"env.python", "env.device", "env.code", "env.backend"} <= set(row)


@pytest.mark.slow
def test_parameters_arrive_unchanged_and_are_never_run(lab):
    lab.lesson(
        "from labkit.lab import record\n"
        "record('98', texts=texts, text=text, number=number, none=none, flags=flags, many=many)",
        parameters="texts = ['a']  # texts\ntext = ''  # a text\nnumber = 0.5  # a number\n"
        "none: int | None = 3  # or none\nflags = [True]  # flags\nmany = [1.5]  # numbers",
    )
    given = {
        "texts": NASTY,
        "text": "\n".join(NASTY),
        "number": 1e-300,
        "none": None,
        "flags": [False, True],
        "many": [n / 3 for n in range(1000)],
    }
    run = labkit.run("98", given)
    assert run.results == given
    assert run.parameters == given
    assert json.loads((run.folder / "record.json").read_text(encoding="utf-8"))["results"] == given
    assert not [path for path in lab.home.rglob("made")]


@pytest.mark.slow
def test_every_failing_expectation_is_named_and_the_run_completes_first(lab):
    lab.lesson(
        RECORD,
        "expect('answer', high=0.1, because='the first')",
        "expect('answer', low=0, because='this one holds')\nrecord('98', worst=5)",
        "expect('worst', high=1, because='the second')",
        "record('98', last=True)",
    )
    run = labkit.run("98")
    assert run.status == "failed"
    assert run.error["kind"] == "expectation"
    assert run.error["cell"] == "c1"
    assert run.error["message"] == (
        "lesson 98, cell 4 of 7 [c1] `expect('answer', high=0.1, because='the first')`: "
        "answer = 0.2, expected at most 0.1 (the first): NOT HELD; "
        "worst = 5, expected at most 1 (the second): NOT HELD"
    )
    assert run.results == {"answer": 0.2, "worst": 5, "last": True}


@pytest.mark.slow
def test_a_failure_spares_the_success_and_a_success_replaces_the_failure(lab, monkeypatch):
    lab.lesson(RECORD, FAIL_AT_WILL)
    monkeypatch.setenv("FAIL", "1")
    failed = labkit.run("98")
    assert results().status.tolist() == ["failed"]
    monkeypatch.delenv("FAIL")
    good = labkit.run("98")
    assert good.run_id == failed.run_id
    assert lab.folders() == [good.run_id]
    before = (good.folder / "record.json").read_bytes()
    monkeypatch.setenv("FAIL", "1")
    # A run that was cut off, its process long dead, and one whose process lives.
    for name, pid in (("deadbeef", 2**22 + 1), ("a11ce000", os.getpid())):
        leave_running(lab, good, f".{good.run_id}-{name}", pid)
    labkit.run("98")
    assert (good.folder / "record.json").read_bytes() == before
    assert lab.folders() == [f".{good.run_id}-a11ce000", good.run_id, f"{good.run_id}.failed"]


def leave_running(lab, run, name, pid):
    entry = copy.deepcopy(run.entry) | {"status": "running"}
    entry["process"]["pid"] = pid
    lab.record(run.run_id, folder=name, **{k: v for k, v in entry.items() if k != "run_id"})


@pytest.mark.slow
def test_a_lesson_reads_the_results_that_it_will_join(lab, tmp_path):
    lab.lesson(
        "from labkit.lab import record, results\n"
        "record('98', finished=int((results().status == 'finished').sum()))"
    )
    elsewhere = tmp_path / "elsewhere"
    first = labkit.run("98", {"rate": 0.1}, folder=elsewhere)
    second = labkit.run("98", {"rate": 0.2}, folder=elsewhere)
    assert [first.results["finished"], second.results["finished"]] == [0, 1]
    assert not lab.runs.exists()


@pytest.mark.slow
def test_two_runs_of_the_same_at_once_both_end_well(lab):
    lab.lesson(RECORD, "import time; time.sleep(0.5)")
    command = [sys.executable, "-m", "labkit", "run", "98"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "answer = 0.2" in out
    (row,) = results().to_dict("records")
    assert row["status"] == "finished"
    assert len(lab.folders()) == 1
    assert len(os.listdir(row["folder"])) == 3


# --- notebooks from elsewhere -------------------------------------------------------------------


@pytest.fixture
def executed_copy(lab):
    """A lesson that is the executed copy that papermill left, with another rate and an error."""
    path = lab.lesson("from labkit.lab import record\nrecord('98', used=rate)", "1 / 0")
    names = {"kernel_name": "python3", "progress_bar": False}
    with pytest.raises(papermill.PapermillExecutionError):
        papermill.execute_notebook(path, path, {"rate": 0.7}, **names)  # in place
    text = path.read_text()
    assert "injected-parameters" in text
    assert "papermill-error-cell-tag" in text
    path.write_text(text.replace("1 / 0", "1"))
    return path


@pytest.mark.slow
def test_the_copy_that_papermill_left_is_the_lesson_again(lab, executed_copy):
    run = labkit.run("98")
    assert (run.ok, run.parameters, run.results) == (True, {"rate": 0.1}, {"used": 0.1})
    notebook = nbformat.read(run.notebook, as_version=4)
    assert notebook.metadata.papermill.parameters == {}
    assert [cell.metadata.tags for cell in notebook.cells] == [[], ["parameters"], [], []]
    run = labkit.run("98", {"rate": 0.3})
    assert (run.parameters, run.results) == ({"rate": 0.3}, {"used": 0.3})
    labkit.sweep("98", ["rate=0.1,0.2,0.7"], show=False)
    table = results().query("`env.mode` == 'headless'")  # papermill's own was a learner's
    assert table["param.rate"].tolist() == table["result.used"].tolist()
    assert sorted(table["param.rate"]) == [0.1, 0.2, 0.3, 0.7]
    out = lab.home / "out.ipynb"  # and with papermill itself
    papermill.execute_notebook(
        executed_copy, out, {"rate": 0.4}, engine_name="labkit", progress_bar=False
    )
    found = nbformat.read(out, as_version=4)
    injected = [c.source for c in found.cells if "injected-parameters" in c.metadata.tags]
    assert injected == ["# Parameters\nrate = 0.4\n"]
    assert "used = 0.4" in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("old", ["a run's own notebook", "format 3", "tags that are null"])
def test_older_and_odder_notebooks_run(lab, old):
    path = lab.lesson("from labkit.lab import record\nrecord('98', used=rate)")
    if old == "a run's own notebook":
        path.write_bytes(labkit.run("98", {"rate": 0.6}).notebook.read_bytes())
    elif old == "format 3":
        nbformat.write(nbformat.read(path, as_version=3), path, version=3)
    else:
        content = json.loads(path.read_text())
        for cell in content["cells"]:
            cell["metadata"].setdefault("tags", None)
        path.write_text(json.dumps(content))
    run = labkit.run("98", {"rate": 0.2})
    assert (run.ok, run.results) == (True, {"used": 0.2}), run.error
    assert labkit.run("98").results == {"used": 0.1}


# --- places that cannot be written --------------------------------------------------------------


@pytest.mark.slow
def test_a_full_disk_fails_the_run_and_earlier_runs_are_as_they_were(lab, tmp_path):
    lab.lesson(RECORD)
    with small_disk(tmp_path / "disk") as disk:
        good = labkit.run("98", folder=disk)
        before = {path.name: path.read_bytes() for path in good.folder.iterdir()}
        fill(disk, leave=50_000)  # room for a record, not for a page
        run = labkit.run("98", folder=disk)
        assert (run.status, run.error["kind"]) == ("failed", "runner error")
        assert run.error["message"].endswith("could not be kept: No space left on device")
        assert run.results == {"answer": 0.2}
        assert os.listdir(run.folder) == ["record.json"]
        fill(disk, leave=0)
        with pytest.raises(RunError, match="No space left") as error:
            labkit.run("98", {"rate": 0.5}, folder=disk)
        assert "Earlier runs are as they were" in str(error.value)
        assert "--to" in str(error.value)
        assert {path.name: path.read_bytes() for path in good.folder.iterdir()} == before
        folders = sorted(os.listdir(disk / "98_trial"))
        assert folders == [good.run_id, f"{good.run_id}.failed"]
        assert results(folder=disk).status.tolist() == ["finished", "failed"]


@pytest.mark.slow
def test_a_page_that_cannot_be_written_whole_leaves_a_failed_row_beside_the_good_run(lab):
    lab.lesson(RECORD)
    good = labkit.run("98")
    with largest_file(100_000):
        run = labkit.run("98")  # the page is larger
    assert run.error["message"].endswith("could not be kept: File too large")
    assert lab.folders() == [good.run_id, f"{good.run_id}.failed"]
    assert results().status.tolist() == ["finished", "failed"]


def test_a_results_folder_that_is_a_file_is_a_sentence(lab):
    lab.lesson(RECORD)
    (lab.home / "file").write_text("")
    with pytest.raises(RunError, match=r"Cannot keep results in .*file.*: Not a directory"):
        labkit.run("98", folder=lab.home / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_a_sentence(lab):
    lab.lesson(RECORD)
    (lab.home / "shut").mkdir(mode=0o500)
    with pytest.raises(RunError, match="Permission denied"):
        labkit.run("98", folder=lab.home / "shut")


@pytest.mark.slow
def test_a_page_that_cannot_be_made_does_not_cost_the_run(lab, monkeypatch):
    from labkit.lab.pages import page as pages

    def fail(*_):
        raise KeyError("a template")

    monkeypatch.setattr(pages, "write_page", fail)
    lab.lesson(RECORD)
    run = labkit.run("98")
    assert run.ok
    assert "could not be made" in run.page.read_text()


# --- a learner's own kernel ---------------------------------------------------------------------


class Learner:
    """A live kernel as JupyterLab starts it; `run` executes a cell and returns what it printed."""

    def __init__(self):
        self.manager, self.client = jupyter_client.manager.start_new_kernel()

    def run(self, code) -> str:
        shown = []

        def keep(message):
            content = message["content"]
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
            shown.extend(content.get("traceback", []))

        self.client.execute_interactive(code, timeout=30, output_hook=keep)
        return "".join(shown)

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def learner(lab):
    lab.lesson(RECORD)
    found = Learner()
    yield found
    found.stop()


@pytest.mark.slow
def test_a_learners_rows_are_kept_as_the_parameters_stand(lab, learner, tmp_path):
    learner.run("from labkit.lab import record, expect\nrate = 0.1")
    shown = learner.run("record('98', answer=2 * rate)\nexpect('answer', high=0.1, because='test')")
    assert "✗ answer = 0.2, expected at most 0.1 (test): NOT HELD" in shown
    assert "Traceback" not in shown
    learner.run("rate = 0.3\nrecord('98', answer=2 * rate)")
    learner.run("rate = 0.1\nrecord('98', answer=2 * rate, more=1)")  # once more: the same row
    table = results()
    assert table["param.rate"].tolist() == [0.1, 0.3]
    assert table["result.answer"].tolist() == [0.2, 0.6]
    assert table["result.more"].notna().tolist() == [True, False]
    assert table.status.tolist() == ["finished"] * 2
    assert table["env.mode"].tolist() == ["live"] * 2
    # A parameter that is no value, and a folder that cannot be written: a word, and on it goes.
    shown = learner.run("rate = {}\nrecord('98', answer=1)\nprint('on')")
    assert "This row could not be saved: rate is a dict" in shown
    assert shown.endswith("on\n")
    (tmp_path / "file").write_text("")
    learner.run(f"import os\nos.environ['LABKIT_RUNS'] = {str(tmp_path / 'file')!r}\nrate = 0.2")
    shown = learner.run("record('98', answer=1)\nprint('on')")
    assert "This row could not be saved" in shown
    assert "Set LABKIT_RUNS to a folder you may write" in shown
    assert shown.endswith("on\n")
    assert len(results()) == 2
