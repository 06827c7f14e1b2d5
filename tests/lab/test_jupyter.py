"""JupyterLab opened on a lesson: where it listens, who may enter, and what is refused."""

import os
import socket

import pytest
from helpers import call

from labkit.lab import jupyter, places


def test_a_busy_port_gets_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = call("open", "--port", port, code=2).stderr
    assert f"Port {port} of this machine is busy" in told
    assert f"--port {port + 1}" in told


@pytest.mark.parametrize("port", [80, 70000, -1])
def test_a_port_that_is_none_gets_a_sentence(port):
    assert "is not a port" in call("open", "--port", port, code=2).stderr


def test_the_server_listens_on_this_machine_only_and_its_command_tells_no_token():
    flags = " ".join(jupyter.command(8888, places.lesson_file("04")))
    assert "--ServerApp.ip=127.0.0.1" in flags
    assert "/lab/tree/notebooks/04_backpropagation.ipynb" in flags
    assert "token" not in flags
    assert "password" not in flags


def test_a_lesson_opens_where_the_address_says(lab, monkeypatch):
    path, started = lab.lesson(), []
    monkeypatch.setattr(jupyter, "running", lambda notebook, port: None)
    monkeypatch.setattr(os, "execv", lambda program, words: started.append(words))
    monkeypatch.setenv("JUPYTER_TOKEN", "")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = call("open", "98", "--port", port).stdout
    token = os.environ["JUPYTER_TOKEN"]
    assert len(token) == 48
    address = f"http://127.0.0.1:{port}/lab/tree/learner/{path.name}?token={token}"
    assert f"Open: {address}\n" in text
    assert f"--ServerApp.port={port}" in started[0]


def test_a_server_that_runs_already_is_used(lab, monkeypatch):
    opened = []
    lab.lesson()
    monkeypatch.setattr(jupyter, "running", lambda notebook, port: (8899, "abc"))
    monkeypatch.setattr(jupyter, "open_in_browser", opened.append)
    call("open", "98")
    assert opened == ["http://127.0.0.1:8899/lab/tree/learner/98_trial.ipynb?token=abc"]


def serving(monkeypatch, folder, port=8888):
    """Let a JupyterLab seem to run on this folder."""
    from jupyter_server import serverapp

    server = {"root_dir": str(folder), "port": port, "token": "abc"}
    monkeypatch.setattr(serverapp, "list_running_servers", lambda: iter([server]))


def test_copies_outside_of_the_lab_are_served_from_their_folder(lab, monkeypatch, tmp_path):
    lab.lesson()
    copy = tmp_path.parent / f"{tmp_path.name}-anna" / "98_trial.ipynb"
    monkeypatch.setenv("LABKIT_LEARNER", str(copy.parent))
    serving(monkeypatch, copy.parent)
    opened = []
    monkeypatch.setattr(jupyter, "open_in_browser", opened.append)
    call("open", "98")
    assert opened == ["http://127.0.0.1:8888/lab/tree/98_trial.ipynb?token=abc"]
    assert f"--ServerApp.root_dir={copy.parent}" in jupyter.command(8888, copy)


def test_a_server_that_cannot_show_the_copies_is_named_with_what_to_do(lab, monkeypatch, tmp_path):
    lab.lesson()
    learner = tmp_path.parent / f"{tmp_path.name}-learner"
    monkeypatch.setenv("LABKIT_LEARNER", str(learner))
    serving(monkeypatch, lab.home, port=8888)
    told = call("open", "98", code=2).stderr
    assert f"JupyterLab runs at port 8888 on {lab.home}" in told
    assert str(learner) in told
    assert "labkit open --port 8889" in told
    assert jupyter.running(learner / "98_trial.ipynb", 8899) is None, "another port is free to use"


def test_a_notebook_outside_of_the_lab_is_refused(lab, tmp_path):
    path = tmp_path.parent / f"{tmp_path.name}-50" / "50_mine.ipynb"
    path.parent.mkdir()
    path.write_text(lab.lesson().read_text())
    assert "is outside of the lab's folder" in call("open", path, code=2).stderr


def test_ones_own_notebook_in_the_lab_opens_as_it_is(lab, monkeypatch):
    opened = []
    monkeypatch.setattr(jupyter, "running", lambda notebook, port: (8899, "abc"))
    monkeypatch.setattr(jupyter, "open_in_browser", opened.append)
    (lab.home / "mine").mkdir()
    lab.lesson().rename(lab.home / "mine" / "50_mine.ipynb")
    call("open", lab.home / "mine" / "50_mine.ipynb")
    assert opened == ["http://127.0.0.1:8899/lab/tree/mine/50_mine.ipynb?token=abc"]
    assert not (lab.home / "learner").exists()


def test_the_page_of_the_latest_run_opens_without_a_server(lab, monkeypatch):
    opened = []
    monkeypatch.setattr(jupyter, "open_in_browser", opened.append)
    lab.lesson()
    assert "has left a page" in call("open", "98", "--page", code=1).stderr
    page = lab.record("a").with_name("lesson.html")
    page.touch()
    assert call("open", "98", "--page").stdout == f"{page.as_uri()}\n"
    assert opened == [page.as_uri()]
