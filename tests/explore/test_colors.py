"""Every color that the lab writes down stands out from the ground that it is drawn on."""

import re
from pathlib import Path

import pytest
from colors import DARK, LIGHT, contrast

from labkit.explore import figures

ROOT = Path(__file__).parents[2]
PAPER = "#111111"  # what white paper turns into on a dark page
# Areas and letters on areas, not lines on paper: the classes' regions in the training explorer,
# letters in the cells of a heat map, its empty cells.
AREAS = {"#7193fb", "#cfcfcf", "#fafafa", "#fd9b62"}
HEX = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b")
FIGURES = [*(ROOT / "labkit" / "explore").rglob("*.py"), *ROOT.glob("notebooks/[0-9]*.ipynb")]
PAGES = [*(ROOT / "labkit" / "lab" / "records").glob("*.py"), *ROOT.glob("labkit/learn/*.py")]
STYLES = sorted((ROOT / "labkit" / "explore" / "js").rglob("*.js"))


def whole(color: str) -> str:
    """A color of three digits in six."""
    return color if len(color) == 7 else "#" + "".join(2 * digit for digit in color[1:])


def turned(color: str) -> str:
    """What the filter of `figures.THEMES` makes of a color, by the formulas of CSS filters."""
    red, green, blue = (
        0.933 + (1 - 2 * 0.933) * int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)
    )
    rotated = (  # hue-rotate(180deg)
        -0.574 * red + 1.43 * green + 0.144 * blue,
        0.426 * red + 0.43 * green + 0.144 * blue,
        0.426 * red + 1.43 * green - 0.856 * blue,
    )
    return "#" + "".join(f"{round(255 * min(max(part, 0), 1)):02x}" for part in rotated)


def test_white_paper_turns_into_the_ground_and_black_into_white_letters():
    assert turned(LIGHT) == PAPER
    assert contrast(turned("#000000"), PAPER) > 15


@pytest.mark.parametrize("color", figures.COLORS)
def test_lines_stand_out_from_white_and_from_dark_paper_and_keep_their_hue(color):
    import colorsys

    assert contrast(color, LIGHT) >= 3
    assert contrast(turned(color), PAPER) >= 3
    before, after = (
        colorsys.rgb_to_hsv(*(int(each[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0]
        for each in (color, turned(color))
    )
    assert min(abs(before - after), 1 - abs(before - after)) < 0.06  # of the circle


def test_the_matrix_for_pictures_with_data_does_what_the_filter_does():
    numbers = [float(n) for n in figures._MATRIX.split()]
    for color in figures.COLORS:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        for row, wanted in enumerate(int(turned(color)[at : at + 2], 16) for at in (1, 3, 5)):
            weights, shift = numbers[5 * row : 5 * row + 3], numbers[5 * row + 4]
            found = sum(w * part for w, part in zip(weights, parts, strict=True)) + shift
            assert abs(255 * min(max(found, 0), 1) - wanted) <= 1.5


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.name)
def test_colors_of_figures_stand_out_from_paper(path):
    for color in {whole(each) for each in HEX.findall(path.read_text("utf-8"))} - AREAS:
        assert contrast(color, LIGHT) >= 3, color
        assert contrast(turned(color), PAPER) >= 3, color


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_bars_of_feedback_and_claims_stand_out_from_both_grounds(path):
    """Their texts have the color of the page."""
    for color in {whole(each) for each in HEX.findall(path.read_text("utf-8"))}:
        assert min(contrast(color, ground) for ground in (LIGHT, DARK, PAPER)) >= 3, color


# Variables of the explorers' style sheets that are a ground, or lie on one of their own.
GROUNDS = {"--on-accent", "--now"}
TEXTS = {"--accent", "--danger", "--good", "--warm"}


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_colors_of_explorers_stand_out_in_both_themes(path):
    source = path.read_text("utf-8")
    for head, body in re.findall(r"(\.lk\S*) \{([^}]*)\}", source):
        ground = DARK if "dark" in head else LIGHT
        for name, color in re.findall(r"(--\w[\w-]*): (#\w+)", body):
            if name not in GROUNDS and len(color) in (4, 7):  # others are half clear
                least = 4.5 if name in TEXTS else 3
                assert contrast(whole(color), ground) >= least, (name, color)
