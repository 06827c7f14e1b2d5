"""A network watched while it learns: what is counted, shown and kept."""

import re

import numpy as np
import pytest

from labkit.data import load_mnist
from labkit.explore.watch import WatchDigits
from labkit.lab.records import curves
from labkit.maths.start import new_network, probabilities


@pytest.fixture
def held_out():
    digits = load_mnist()
    return digits.x_test, digits.y_test


@pytest.fixture(autouse=True)
def plots(monkeypatch):
    """Curves of this test alone."""
    own = curves.Plots()
    monkeypatch.setattr(curves, "PLOTS", own)
    monkeypatch.setattr("labkit.explore.watch.PLOTS", own)
    return own


def always(digit):
    """Layers that answer this digit to everything."""
    return [(np.zeros((784, 4)), np.zeros(4)), (np.zeros((4, 10)), 9.0 * (np.arange(10) == digit))]


def test_it_counts_what_is_read_right(held_out):
    watch = WatchDigits("00", *held_out, passes=2)
    watch.see(0, always(3))
    assert watch.accuracy == pytest.approx(0.1)  # each digit is a tenth of the images
    assert set(watch.answers) == {3}
    assert watch.text.startswith("100 of 1,000 held-out images read right, after ")


def test_its_points_are_those_of_the_network(held_out, plots):
    watch = WatchDigits("00", *held_out, passes=2)
    network = new_network(hidden=8, seed=0)
    watch.see(0, always(1))
    watch.see(0.5, network)
    images, labels = held_out
    chances = probabilities(network, images)
    kept = plots.of("00").plain()
    assert kept["digit_accuracy"]["step"] == [0, 0.5]
    assert kept["digit_accuracy"]["value"][1] == (chances.argmax(axis=1) == labels).mean()
    cross_entropy = -np.log(chances[np.arange(len(labels)), labels]).mean()
    assert kept["digit_loss"]["value"][1] == pytest.approx(cross_entropy)


def test_wrong_answers_have_a_frame_and_a_cross(held_out, plots):
    watch = WatchDigits("00", *held_out, passes=2)
    watch.see(1, always(3))
    picture = watch.html(plots.of("00").plain())
    assert picture.count("✗ 3") == 18  # two images of each digit; those of the 3 are right
    assert picture.count('stroke-width="4"') == 18
    assert picture.count("data:image/png;base64,") == 20
    assert not re.search(r"https?://|<script", picture)
    assert 'aria-label="100 of 1,000' in picture
    points = re.search(r'polyline points="([^"]+)"', picture)[1]
    x, y = map(float, points.split(","))
    assert x == pytest.approx((62 + 420) / 2), "one of two passes"
    assert y == pytest.approx(186 - 0.1 * (186 - 34), abs=0.06), "a tenth of the way up"


def test_too_few_images_are_refused(held_out):
    images, labels = held_out
    with pytest.raises(ValueError, match="at least two held-out images of each digit"):
        WatchDigits("00", images[:5], labels[:5], passes=1)


def test_in_a_notebook_the_picture_takes_the_place_of_the_small_curves(held_out):
    """And only in the cell that watches: the next one that logs shows its curves as ever."""
    import nbclient
    import nbformat

    cells = [
        "from labkit.data import load_mnist\nfrom labkit.explore.watch import WatchDigits\n"
        "from labkit.lab import log\nfrom labkit.maths.start import new_network\n"
        "d = load_mnist(); watch = WatchDigits('00', d.x_test, d.y_test, passes=1)",
        "watch.see(0, new_network(8, 0)); watch.see(1, new_network(8, 1))",
        "log('00', 2, other=1.0)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=60).execute()
    (watched,), (logged,) = (cell.outputs for cell in book.cells[1:])
    assert "passes over the training images" in watched.data["text/html"]
    kept = watched.data["application/vnd.labkit.record+json"]["curves"]["digit_accuracy"]
    assert kept["step"] == [0, 1]
    assert "Curves of lesson 00" in logged.data["text/html"]
