"""Figures: shown once, with alt text and caption, sharp but small, in colors all can tell apart."""

import base64
import html
import io
import itertools
import re

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from labkit.explore import figures


@pytest.fixture(autouse=True)
def _style_stays_here():
    with matplotlib.rc_context():
        yield


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook."""
    calls = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: calls.append(data))
    return calls


def test_a_figure_is_shown_once_with_its_words_and_closed(shown):
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    figures.show(fig, 'Steeper than "1" & a < b.')
    (forms,) = shown
    words = html.escape('Steeper than "1" & a < b.')
    assert f'alt="{words}"' in forms["text/html"]
    assert re.search(rf"<figcaption[^>]*>{re.escape(words)}</figcaption>", forms["text/html"])
    assert forms["text/plain"] == 'Steeper than "1" & a < b.'
    assert not plt.fignum_exists(fig.number)


def test_a_figure_without_pyplot_is_shown_too(shown):
    figure = Figure()
    figure.subplots().plot([0, 1])
    figures.show(figure, "A line.")
    assert len(shown) == 1


@pytest.mark.parametrize("caption", ["", "  \n"])
def test_an_empty_caption_is_refused_and_says_why(caption, shown):
    with pytest.raises(ValueError, match=r"caption is empty; write one or two sentences.*alt text"):
        figures.show(Figure(), caption)
    assert shown == []


@pytest.mark.parametrize(
    ("fig", "caption", "words"),
    [
        (Figure(), None, "caption must be text, not NoneType"),
        ("x", "A.", "needs a matplotlib Figure"),
    ],
)
def test_wrong_types_are_refused_in_words(fig, caption, words):
    with pytest.raises(TypeError, match=words):
        figures.show(fig, caption)


def test_an_axes_is_taken_for_its_figure_in_words():
    with pytest.raises(TypeError, match="needs a matplotlib Figure, got Axes"):
        figures.show(Figure().subplots(), "An axes.")


def test_pictures_are_sharp_opaque_and_small(shown):
    figures.use_style()
    fig, ax = plt.subplots()
    for phase in range(4):
        ax.plot(np.sin(np.linspace(phase, 9, 300)), label=f"{phase}")
    ax.legend()
    figures.show(fig, "Four waves.")
    png = base64.b64decode(shown[0]["image/png"])
    image = Image.open(io.BytesIO(png))
    width = int(re.search(r"width:(\d+)px", shown[0]["text/html"])[1])
    assert image.mode in ("RGB", "P")  # no transparency: black letters on a dark page
    assert image.width / width == pytest.approx(figures.SHARPNESS, rel=0.01)
    assert 600 < width <= 720
    assert len(png) < 100_000


def test_nothing_in_the_html_needs_a_network_or_a_script():
    text = figures.html_figure(b"x", "A line.", 10)
    assert not re.search(r"https?://|<script|\son\w+=", text)


def test_the_style_is_petroff8_with_changing_dashes_and_cividis():
    figures.use_style()
    cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    colors = [matplotlib.colors.to_rgb(each["color"]) for each in cycle]
    darker = [figures.COLORS.index(color) for color in (figures.SAND, figures.SKY)]
    for at, (color, petroff) in enumerate(
        zip(colors, matplotlib.color_sequences["petroff8"], strict=True)
    ):
        hue, truth = (matplotlib.colors.rgb_to_hsv(each)[0] for each in (color, petroff))
        assert hue == pytest.approx(truth, abs=0.01)
        assert color == petroff or at in darker
    for one, other in itertools.pairwise(cycle):
        assert one["linestyle"] != other["linestyle"]
    assert matplotlib.rcParams["image.cmap"] == "cividis"


@pytest.mark.slow
def test_a_html_page_keeps_alt_text_and_caption():
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    code = (
        "import matplotlib.pyplot as plt\nfrom labkit.explore import figures\n"
        "figures.use_style()\nfig, ax = plt.subplots()\nax.plot([0, 1])\n"
        "figures.show(fig, 'A line, a < b.')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook).execute()
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert page.count("<img ") == 1
    assert 'alt="A line, a &lt; b."' in page
    assert "A line, a &lt; b.</figcaption>" in page
