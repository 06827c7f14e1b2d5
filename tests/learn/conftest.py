import pytest

from labkit.learn import checks


@pytest.fixture(autouse=True)
def first_try(monkeypatch):
    """Each test is a new kernel, in which nothing was tried yet."""
    monkeypatch.setattr(checks, "_tries", {})
    monkeypatch.setattr(checks, "_owners", {})
