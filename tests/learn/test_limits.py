"""A learner's endless loop ends, by an alarm and, as in a web page, without one."""

import sys
import time

import pytest

from labkit import machine
from labkit.learn.limits import limited

newer = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python tells of loops from 3.12 on")


@pytest.fixture(params=["an alarm", pytest.param("a page", marks=newer)])
def way(request, monkeypatch):
    if request.param == "a page":
        monkeypatch.setattr(machine, "in_page", lambda: True)


CELL = """
import itertools

def forever():
    while True:
        pass

def swallowing():
    while True:
        try:
            forever()
        except Exception:
            continue

def fibonacci(n):
    return fibonacci(n - 1) + fibonacci(n - 2) if n > 1 else n

def counts():
    return [1 for _ in itertools.count()]

def calls():
    return fibonacci(90)
"""
cell = {}
exec(compile(CELL, "<cell exercise, run 1>", "exec"), cell)
LOOPS = ("forever", "counts", "calls")


@pytest.mark.parametrize("loop", LOOPS)
def test_an_endless_loop_ends_in_time(way, loop):
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"still running after 0\.2 s"), limited(0.2):
        cell[loop]()
    assert 0.2 <= time.monotonic() - begun < 2


@newer
def test_in_a_page_a_loop_that_swallows_errors_ends_too(monkeypatch):
    monkeypatch.setattr(machine, "in_page", lambda: True)
    with pytest.raises(TimeoutError), limited(0.2):
        cell["swallowing"]()


@newer
def test_in_a_page_nothing_is_left_behind(monkeypatch):
    monkeypatch.setattr(machine, "in_page", lambda: True)
    with pytest.raises(TimeoutError), limited(5), limited(0.05):
        cell["forever"]()
    assert [sys.monitoring.get_tool(n) for n in range(6)].count("labkit.learn.limits") == 0


def test_what_ends_in_time_is_left_alone(way):
    with limited(0.2):
        found = sum(range(1000))
    time.sleep(0.3)
    assert found == 499500
