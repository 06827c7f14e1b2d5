"""Lesson 12 as a run of a sweep: one network, quickly, and nothing else."""

import json
import re

import nbformat
import pytest
from jupyter_client.manager import run_kernel

from labkit.lab import places
from labkit.lab.runs import runner as runs

LESSON = places.lesson_files()["12"]


@pytest.mark.slow
def test_one_network_is_trained_and_the_rest_is_skipped(tmp_path):
    settings = {"part": "one network", "without": "dropout", "epochs": 6, "seed": 3}
    outcome = runs.run("12", settings, folder=tmp_path, timeout=300)
    assert outcome.ok, outcome.error
    assert list(outcome.results) == ["validation_accuracy", "validation_loss"]
    assert outcome.results["validation_accuracy"] > 0.5
    executed = nbformat.read(outcome.notebook, as_version=4)
    ids = [cell.id for cell in executed.cells]
    after = executed.cells[ids.index("record-one") + 1 :]
    assert not [cell.id for cell in after if cell.cell_type == "code" and cell.outputs]


def executed(client, code, metadata):
    """Execute code as a front end does that says such metadata; return (text, error's name)."""
    content = {"code": code, "silent": False, "stop_on_error": True, "allow_stdin": False}
    message = client.session.msg("execute_request", content, metadata=metadata)
    client.shell_channel.send(message)
    text, error = "", None
    while True:
        reply = client.get_iopub_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            said = reply["content"]
            text += said.get("text", "") + "".join(said.get("traceback", []))
            error = said.get("ename", error)
            if said.get("execution_state") == "idle":
                return text, error


@pytest.mark.slow
@pytest.mark.parametrize("front_end", ["JupyterLab", "nbclient"])
def test_it_ends_with_a_word_where_somebody_looks_on_and_in_silence_elsewhere(front_end):
    """JupyterLab sends the id of the cell; papermill and `labkit run` do not."""
    metadata = {"cellId": "record-one"} if front_end == "JupyterLab" else {}
    stop = "from labkit.lab.records.shell import end_here\nend_here('the rest is skipped')"
    with run_kernel() as client:
        text, error = executed(client, stop, metadata)
        later, _ = executed(client, "print('later')", metadata)
        _, mistake = executed(client, "1 / 0", metadata)
    if front_end == "JupyterLab":
        assert error == "LessonEndsHere"
        assert "the rest is skipped" in text
        assert "Traceback" not in text
        assert (later, mistake) == ("later\n", "ZeroDivisionError")
    else:
        assert (text, error, later) == ("", None, "")


def test_a_sweep_inside_the_lesson_never_sweeps_itself():
    cells = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads(LESSON.read_text())["cells"]
    }
    assert '"part": ["one network"]' in cells["sweep"]
    ids = list(cells)
    assert ids.index("record-one") < ids.index("sweep")


@pytest.mark.parametrize("number", ["12", "15"])
def test_prose_states_no_result_that_a_cell_should_compute(number):
    cells = nbformat.read(places.lesson_files()[number], as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.findall(r"\d+\.\d+ ?%", text)
