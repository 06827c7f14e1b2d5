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


# --- the dark theme ---------------------------------------------------------------------------


def test_axes_with_numbers_as_colors_keep_them_and_others_do_not(shown):
    fig, axes = plt.subplots(1, 4)
    axes[0].plot([0, 1])
    axes[0].fill_between([0, 1], [0, 1], alpha=0.2)
    picture = axes[1].imshow(np.eye(3))
    axes[2].pcolormesh(np.eye(3))
    axes[3].scatter([0, 1], [0, 1], color=figures.BLUE)
    bar = fig.colorbar(picture, ax=axes[1])
    fig.canvas.draw()
    plt.close(fig)
    found = figures.data_boxes(fig)
    assert len(found) == 3
    for ax, (left, top, right, bottom) in zip((axes[1], axes[2], bar.ax), found, strict=True):
        place = ax.get_position()
        assert (left, right) == pytest.approx((place.x0, place.x1))
        assert (1 - bottom, 1 - top) == pytest.approx((place.y0, place.y1))


def test_the_boxes_of_a_shown_figure_are_those_of_its_cut_picture(shown):
    """A black square on white: its box, found in the pixels, is the box in the HTML."""
    figures.use_style()
    fig, ax = plt.subplots(figsize=(5, 3))
    ax.imshow(np.zeros((2, 2)), cmap="gray", vmin=0, vmax=1)
    ax.grid(False)
    ax.set(title="a title", xlabel="a label")
    figures.show(fig, "A square.")
    png = io.BytesIO(base64.b64decode(shown[0]["image/png"]))
    pixels = np.asarray(Image.open(png).convert("L"))
    dark = pixels < 60
    rows, columns = (np.flatnonzero(dark.mean(axis=k) > 0.4) for k in (1, 0))
    offset = re.search(r"<feOffset[^>]*>", shown[0]["text/html"])[0]
    x, y, width, height = (
        float(re.search(rf' {name}="([\d.]+)"', offset)[1])
        for name in ("x", "y", "width", "height")
    )
    size = np.array(pixels.shape)
    assert np.array([y, y + height]) * size[0] == pytest.approx([rows[0], rows[-1] + 1], abs=2)
    assert np.array([x, x + width]) * size[1] == pytest.approx([columns[0], columns[-1] + 1], abs=2)


def test_a_figure_brings_its_style_and_only_one_of_lines_the_short_filter(shown):
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    figures.show(fig, "A line.")
    text = shown[0]["text/html"]
    assert f"<style>{figures.THEMES}</style>" in text
    assert 'class="labkit-paper"' in text
    assert "<svg" not in text
