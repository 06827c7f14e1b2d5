"""What tests of figures share."""

import matplotlib.pyplot as plt
import pytest

from labkit.explore import figures


@pytest.fixture
def shown(monkeypatch):
    """What was shown: (figure, caption)."""
    seen = []
    monkeypatch.setattr(figures, "show", lambda fig, caption: seen.append((fig, caption)))
    yield seen
    plt.close("all")


@pytest.fixture
def as_at_the_start(explorer):
    """Put a module's explorer back afterwards to where it was."""
    start = explorer.params
    yield
    explorer._jump(start)
