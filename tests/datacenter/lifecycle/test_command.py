"""`labkit pipeline`: every stage in a line, and wrong calls told before anything runs."""

from helpers import call

from labkit.datacenter.lifecycle.stages import STAGES
from labkit.datacenter.serving import served


def test_each_stage_has_its_line():
    lines = call("pipeline", "--field", "medicine", "--trap", "own").stdout.splitlines()
    starts = [line for line in lines if not line.startswith(" ")]
    assert [line[: len(stage)] for line, stage in zip(starts, STAGES, strict=True)] == [*STAGES]
    assert "split by group" in " ".join(" ".join(lines).split())


def test_what_is_ignored_is_told_as_broken():
    told = call("pipeline", "--field", "speech", "--trap", "own", "--ignore").stdout
    assert "worse than promised" in told
    assert "the most common class serves" in told


def test_wrong_names_are_refused_with_the_right_ones():
    assert "operations" in call("pipeline", "--field", "speach", code=2).stderr
    assert "neighbors" in call("pipeline", "--trap", "hole", code=2).stderr
    assert "--seed" in call("pipeline", "--seed", "-1", code=2).stderr


def test_without_the_extra_a_server_is_refused_and_told_of(monkeypatch):
    monkeypatch.setattr(served, "missing", lambda: "install serve")
    assert "install serve" in call("pipeline", "--http", code=2).stderr


def test_a_trap_without_a_name_is_the_fields_own():
    alone = call("pipeline", "--field", "speech", "--trap", "--ignore").stdout
    assert alone == call("pipeline", "--field", "speech", "--trap", "own", "--ignore").stdout
    assert "nothing was mended" in alone


def test_no_line_is_wider_than_the_terminal(monkeypatch):
    monkeypatch.setattr("labkit.terminal.width", lambda: 80)
    lines = call("pipeline", "--field", "medicine", "--trap", "--ignore").stdout.splitlines()
    assert max(map(len, lines)) <= 80
