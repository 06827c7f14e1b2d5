"""The Chinese font of pictures: taken under zh only, with every sign that translations use."""

import re

import numpy as np
import pytest

from labkit.explore import figures, fonts, kit
from labkit.lab.translation import catalog


def signs():
    from fontTools.ttLib import TTFont

    with TTFont(fonts.FONT) as font:
        return {chr(code) for code in font.getBestCmap()}


def test_english_pictures_have_no_other_font():
    assert fonts.style() == {}


@pytest.mark.parametrize("path", sorted(catalog.folder().glob("*.po")), ids=lambda path: path.stem)
def test_the_font_has_every_chinese_sign_of_a_file(path):
    used = set(re.findall(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", path.read_text("utf-8")))
    assert used - signs() == set(), "cut the font anew: scripts/subset_font.py"


@pytest.mark.filterwarnings("error")  # matplotlib warns of a sign that no font has
def test_a_picture_shows_chinese_beside_formulas_and_numbers(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "zh")

    def paint(figure):
        axes = figure.subplots()
        axes.set(title="损失 $w_1$", xlabel="步数 −1", ylabel="learning rate")

    drawn = kit.draw_once(paint, size=(4, 3))
    assert np.ptp(drawn) > 0
    assert figures.translated("learning rate") == "学习率"
