"""What a translation must keep."""

import pytest

from labkit.lab.translation.rules import mended, problems


@pytest.mark.parametrize(
    ("text", "good", "bad", "said"),
    [
        ("a weight $x = 2$ here", "这里权重 $x = 2$", "这里权重 $x = 3$", "formulas"),
        ("use `fit_line` now", "现在用 `fit_line`", "现在用 `fit`", "inline code"),
        ("see [it](01_a.ipynb#b)", "见[它](01_a.ipynb#b)", "见[它](01_a.ipynb)", "links"),
        ("see [gradient](glossary.ipynb#gradient)", "见[梯度](glossary.ipynb#gradient)",
         "见[坡度](glossary.ipynb#gradient)", "the glossary says"),
        ("<!-- live -->Turn it.<!-- /live -->", "<!-- live -->转动它。<!-- /live -->",
         "转动它。", "tags"),
        ("It takes 1,200 steps", "它走 1200 步", "它走 1300 步", "numbers"),
        ("the **loss** falls", "**损失** 下降", "**损失 下降", "not closed"),
        ("**[gradient](glossary.ipynb#gradient)**", "叫 **[梯度](glossary.ipynb#gradient)**，",
         "叫**[梯度](glossary.ipynb#gradient)**，", "stars"),
    ],
)  # fmt: skip
def test_what_a_text_must_keep(text, good, bad, said):
    assert problems(text, good, "text") == []
    assert any(said in each for each in problems(text, bad, "text"))


def test_holes_of_a_template_stay_in_any_order():
    text = "{a + 1:.2f} of {b}"
    assert problems(text, "{b} 之 {a + 1:.2f}", "template") == []
    for bad in (
        "{b} 之 {a + 1:.3f}",
        "{b}",
        "{b} {a + 2:.2f}",
        "{a + 1:.2f} {b} {",
        "{b} {a + 1:.2f} {b}",
    ):
        assert problems(text, bad, "template"), bad


def test_limits_of_a_parameter_stay():
    assert problems("size, in [0, 3]", "大小, in [0, 3]", "comment") == []
    assert problems("size, in [0, 3]", "大小，在 [0, 3] 内", "comment")
    assert problems("loss, one of: bowl, ravine", "损失, one of: bowl, ravine", "comment") == []
    assert problems("loss, one of: bowl, ravine", "损失, one of: 碗, ravine", "comment")


def test_a_row_keeps_its_cells():
    assert problems("`a|b` | two words", "`a|b` | 两个词", "row") == []
    assert problems("one word | two words", "一个词 两个词", "row")


def test_words_of_a_formula_may_change_and_nothing_else_of_it():
    text = r"$$a \text{ with } b$$"
    assert problems(text, r"$$a \text{ 其中 } b$$", "formula") == []
    assert problems(text, r"$$a \text{ 其中 } c$$", "formula")


def test_the_minutes_stay_a_hole():
    assert problems("about {minutes} minutes", "约 65 分钟", "text")


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("叫**[梯度](x)**。", "叫 **[梯度](x)**。"),
        ("**问题。**网络", "**问题。** 网络"),
        ("**损失**下降，*很*快", "**损失**下降，*很*快"),
        ("`**`和**“词”**是", "`**`和 **“词”** 是"),
    ],
)
def test_bold_beside_chinese_gets_the_spaces_that_markdown_needs(text, better):
    assert mended(text) == better
    assert problems(text.replace("*", ""), better, "text") == [] or "**" in text
