"""What the lab says, looked up where it is shown."""

import pytest

from labkit.lab import phrases
from labkit.lab.phrases import Phrases, Said, joined, translated
from labkit.lab.templates import Template, parts


@pytest.fixture
def known():
    found = Phrases()
    for text, translation in {
        "You walk uphill.": "你在往上坡走。",
        "sign of the gradient": "梯度的符号",
        "Not right yet: {kind}": "还不对：{kind}",
        "For {case} the right answer is {theirs}": "对于 {case}，正确答案是 {theirs}",
        "{start}; yours is {yours}{place}.": "{start}；你的是 {yours}{place}。",
        "; at {place} it is {x:.2f}": "；在 {place} 处是 {x:.2f}",
        "{n} step{s}": "{n} 步",
        "diverged at step {n}": "在第 {n} 步发散",
        ": the steps grow": "：步子变大",
        "{x} on a bowl, {steps}: {what}{detail}.": "碗上 {x}，{steps}：{what}{detail}。",
        "Look at `{}`.": "看一看 `{}`。",
        "gradient": "梯度",
    }.items():
        found.add(text, translation)
    return found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("You walk uphill.", "你在往上坡走。"),
        ("Not right yet: sign of the gradient.", "还不对：梯度的符号。"),
        ("For (1, 2) the right answer is 3; yours is 4.", "对于 (1, 2)，正确答案是 3；你的是 4。"),
        (
            "You walk uphill. For 1 the right answer is 3; yours is 4; at 0 it is 0.50.",
            "你在往上坡走。对于 1，正确答案是 3；你的是 4；在 0 处是 0.50。",
        ),
        (
            "sgd on a bowl, 20 steps: diverged at step 7: the steps grow.",
            "碗上 sgd，20 步：在第 7 步发散：步子变大。",
        ),
        ("Look at `gradient`.", "看一看 `gradient`。"),
        ("Nobody knows this. You walk uphill.", "Nobody knows this. 你在往上坡走。"),
        ("0.5", "0.5"),
        ("这是中文。", "这是中文。"),
    ],
)
def test_texts_templates_and_sentences_are_looked_up(known, said, told):
    assert known.say(said) == told


def test_a_hole_for_a_number_holds_numbers_only():
    template = Template("loss {x:.2f} of {name}", "{name} 的损失 {x:.2f}")
    assert template.filled("loss 0.25 of a walk") == "a walk 的损失 0.25"
    assert template.filled("loss so large of a walk") is None


def test_a_hole_between_texts_holds_no_whole_sentence():
    template = Template("Right for {some} of them.", "{some}是对的。")
    assert template.filled("Right for most. But wrong for all of them.") is None


def test_parts_of_a_template_join_to_it():
    for text in ("a {b:.2f} {{c}} {d['e']:>{f}}", "{a}{b}", "none", "{{}}"):
        assert "".join(parts(text)) == text


def test_english_is_never_looked_up(monkeypatch):
    monkeypatch.delenv("LABKIT_LANG", raising=False)
    monkeypatch.setattr(phrases, "phrases", lambda named: 1 / 0)
    assert translated("The loss falls.") == "The loss falls."


def test_a_text_that_code_compares_is_translated_within_another(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "zh")
    said = Said("yours")
    assert said == "yours"
    assert f"{said}" == "你的"


def test_texts_are_joined_with_a_space_only_between_words():
    assert joined(["一。", "Two.", "Three."]) == "一。Two. Three."


def test_a_script_gets_its_own_phrases(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "zh")
    found = dict(phrases.page_phrases('button("That is my guess")', ["sign of the gradient"]))
    assert found["That is my guess"] == "这就是我的猜测"
    assert found["sign of the gradient"] == "梯度的符号"
    assert "Play" not in found


def test_a_capital_can_make_another_word():
    known = Phrases()
    known.add("Start", "开始")
    known.add("start", "起点")
    assert [known.say("Start"), known.say("start")] == ["开始", "起点"]


def test_a_pair_in_parentheses_is_no_list(known):
    known.add("red", "红")
    assert known.say("red and (1, 2)") == "红、(1, 2)"
    assert known.say("真正 (-1, 1)") == "真正 (-1, 1)"


def test_a_preferred_caption_wins_over_words_put_together(known):
    said = "sgd on a bowl, 20 steps: diverged at step 7: the steps grow."
    text = "{name} on a bowl, {n:g} steps: diverged at step {k:g}: the steps grow."
    known.add(text, "碗：{name} 走 {n:g} 步，第 {k:g} 步发散。", first=True)
    assert known.say(said) == "碗：sgd 走 20 步，第 7 步发散。"


def test_captions_keep_their_holes_and_are_found():
    import polib

    known = phrases.phrases("zh")
    po = polib.pofile(str(phrases._file(phrases.CAPTIONS, "zh")))
    assert len({(entry.msgctxt, entry.msgid) for entry in po}) == len(po)
    for entry in po:
        assert sorted(filter(_is_hole, parts(entry.msgid))) == sorted(
            filter(_is_hole, parts(entry.msgstr))
        ), entry.msgid
        if not any(map(_is_hole, parts(entry.msgid))):
            assert known.say(entry.msgid) == entry.msgstr.strip(), entry.msgid


def _is_hole(part):
    return part.startswith("{")
