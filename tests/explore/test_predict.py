"""Predictions: what a question may be, words of a guess, the page, JupyterLab."""

import itertools
import json
import math
import re
from pathlib import Path

import browser
import numpy as np
import pytest

from labkit.explore import predict as room
from labkit.explore.predict import predict, say

ARTIFACTS = Path(__file__).parents[1] / "artifacts"

TEXTS = {"question": "What comes out?", "because": "It must."}
CHOICES = {"falls": "It goes down.", "rises": "", "stays <flat>": "Nothing moves & rests."}
AXES = {"x": (0, 10), "y": (0.001, 10), "x_label": "step", "y_label": "loss", "log_y": True}
LOSSES = [4 * 0.5**k for k in range(11)]


def choice(answer="falls", choices=CHOICES, **more):
    return predict("01", "way", answer=answer, choices=choices, **TEXTS | more)


def number(answer=0.25, span=(0, 1), **more):
    return predict("01", "rate", answer=answer, number=span, **TEXTS | more)


def curve(answer=LOSSES, **axes):
    axes = {name: value for name, value in (AXES | axes).items() if value is not None}
    return predict("01", "loss", answer=answer, curve=axes, **TEXTS)


FORMS = {"choice": choice, "number": number, "curve": curve}


# --- what a question may be --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "bad", "message"),
    [
        (choice, {"answer": "sinks"}, "'sinks' is none of the choices: falls, rises, stays <flat>"),
        (choice, {"choices": ["falls"]}, "two labels or more"),
        (choice, {"choices": "falls"}, "two labels or more"),
        (choice, {"choices": ["falls", "falls"]}, "must differ"),
        (choice, {"choices": ["falls", " "]}, "none may be empty"),
        (choice, {"question": " "}, "question = ' '; give a text"),
        (choice, {"because": None}, "because = None; give a text"),
        (number, {"answer": float("nan")}, "answer = nan; give a finite number"),
        (number, {"answer": "12"}, "answer = '12'; give a finite number"),
        (number, {"answer": True}, "answer = True"),
        (number, {"answer": [1, 2]}, "give a finite number"),
        (number, {"span": (1, 1)}, "the first must be below"),
        (number, {"span": (1, math.inf)}, "two finite numbers"),
        (number, {"span": 3}, r"number = 3; give \(lowest, highest\)"),
        (number, {"span": (1, 2, 3)}, "number = "),
        (number, {"span": (0, 1), "log": True}, "begins above 0"),
        (number, {"close": -1}, "close = -1; use 0 or more"),
        (number, {"span": (1, 9), "log": True, "close": 0.5}, "a factor of 1 or more"),
        (curve, {"x": None}, r"curve lacks x; give x=\(first, last\)"),
        (curve, {"y": (0, 1)}, "begins above 0"),
        (curve, {"log_x": True}, "curve has no 'log_x'; it has: x, y, x_label"),
        (curve, {"answer": [1.0]}, "1 values; a curve needs two"),
        (curve, {"answer": 3.0}, "shape"),
        (curve, {"answer": ["a", "b"]}, "numbers, or pairs"),
        (curve, {"answer": [[1, 2, 3]] * 4}, r"shape \(4, 3\)"),
        (curve, {"answer": [math.nan, 1, math.inf, -1]}, "1 values that can be drawn"),
        (curve, {"answer": [(0, 1), (math.nan, 2)]}, "an x of the answer is not finite"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(make, bad, message):
    with pytest.raises(ValueError, match=message):
        make(**bad)


@pytest.mark.parametrize("forms", [{}, {"choices": ["a", "b"], "number": (0, 1)}])
def test_exactly_one_form_is_needed(forms):
    with pytest.raises(TypeError, match="exactly one of choices, number and curve"):
        predict("01", "way", answer=1, **TEXTS, **forms)


def test_what_belongs_to_a_number_is_refused_elsewhere():
    with pytest.raises(TypeError, match="unit, close and log belong to a number"):
        choice(unit="s")


@pytest.mark.parametrize("name", ["Way", "two words", "", "-a", "a_b"])
def test_a_name_has_small_letters_digits_and_hyphens(name):
    with pytest.raises(ValueError, match="name = "):
        predict("01", name, answer=1, number=(0, 2), **TEXTS)


@pytest.mark.parametrize("lesson", ["1", "001", "ab"])
def test_a_lesson_has_two_digits(lesson):
    with pytest.raises(ValueError, match="give its two digits, such as '01'"):
        predict(lesson, "way", answer=1, number=(0, 2), **TEXTS)


def test_answers_may_be_numpys_and_become_plain_data():
    asked = [
        number(np.float32(0.5)), number(np.int64(1)), number(np.array([0.25])), number(np.array(1)),
        choice(np.str_("rises")), choice(np.True_, ["True", "False"]), choice(3, [1, 2, 3]),
        curve(np.array(LOSSES)), curve(tuple(LOSSES)), curve(np.c_[range(11), LOSSES]),
    ]  # fmt: skip
    for each in asked:
        assert json.loads(json.dumps(each.task, allow_nan=False)) == each.task
    assert [each.task["answer"] for each in asked[:7]] == [0.5, 1, 0.25, 1, "rises", "True", "3"]


def test_a_curve_may_be_given_as_pairs_in_any_order():
    pairs = [(10 - k, loss) for k, loss in enumerate(LOSSES[::-1])]
    assert curve(pairs).task == curve(LOSSES).task


@pytest.mark.parametrize("count", [2, 3, 11, 41, 42, 101, 200, 1001, 5000])
def test_a_guess_has_few_handles_from_edge_to_edge(count):
    task = curve(np.linspace(1, 2, count)).task
    at = task["at"]
    assert 5 <= len(at) <= 41
    assert (at[0], at[-1]) == (0, 10)
    assert len(task["truth"]["x"]) <= 1001
    assert (task["truth"]["y"][0], task["truth"]["y"][-1]) == (1, 2)
    if count == 101:  # then every handle stands where something was measured
        assert set(at) <= set(task["truth"]["x"])


def test_gaps_and_values_beyond_the_axes_are_said():
    task = curve([1, math.nan, 2, 1e6, math.inf], x=(0, 4)).task
    assert task["truth"]["y"] == [1, None, 2, 1e6, None]
    assert task["notes"] == [
        "2 points have a value that is not finite, first at step 1: a gap.",
        "It leaves the top of the picture at step 3 and reaches 1e6.",
    ]
    assert curve([1, 0, 2], x=(0, 2)).task["notes"] == [
        "1 point has a value that is not above 0, first at step 1: a gap."
    ]
    assert curve([1, 1e-5, 2], x=(0, 2)).task["notes"] == [
        "It leaves the foot of the picture at step 1 and reaches 1e-5."
    ]
    assert curve([0.001, 10], x=(0, 1)).task["notes"] == []


# --- words of a guess --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """A function: list of (prediction, guess) -> what the page says about each."""
    folder = tmp_path_factory.mktemp("words")

    def ask(cases):
        code = "const answer = (all) => all.map(([task, guess]) => words.verdict(task, guess));"
        question = [[asked.task, guess] for asked, guess in cases]
        return browser.ask("predict/words", "words", code, question, folder)

    return ask


def told(verdict):
    return f"{verdict['head']} {verdict['text']}".strip()


def test_a_choice_gets_its_own_text(judge):
    said = judge([(choice(), label) for label in CHOICES] + [(choice("rises"), "rises")])
    assert [each["close"] for each in said] == [True, False, False, True]
    assert [told(each) for each in said] == [
        "It goes down.", "Not so.", "Nothing moves & rests.", "Right."
    ]  # fmt: skip


def test_a_number_is_close_within_its_tolerance_and_the_distance_is_right(judge):
    guesses = np.round(np.linspace(-1, 3, 81), 3).tolist()
    answers = [-0.5, 0.0, 0.25, 2.0]
    cases = [(a, g) for a in answers for g in guesses]
    said = judge([(number(a, (-1, 3), close=0.3, unit="s"), g) for a, g in cases])
    for (answer, guess), each in zip(cases, said, strict=True):
        off = abs(guess - answer)
        if abs(off - 0.3) < 1e-9:  # on the edge
            continue
        assert each["close"] == (off < 0.3), (answer, guess)
        if off < 1e-9:
            assert each["head"] == "Exactly right."
            continue
        assert f"too {'large' if guess > answer else 'small'} by " in each["head"]
        assert ("of the other sign" in each["head"]) == (answer * guess < 0 and off > 0.3)
        shown = float(re.search(r"by (?:a factor of )?(\d[\d.e-]*\d|\d)", each["head"])[1])
        true = max(guess / answer, answer / guess) if "factor" in each["head"] else off
        assert shown == pytest.approx(true, rel=0.006)
        assert ("factor" in each["head"]) == (
            answer > 0 and guess > 0 and off > 0.3 and max(guess / answer, answer / guess) >= 2
        )


def test_a_logarithmic_number_is_judged_by_its_factor(judge):
    cases = [(1.0, 10.0**power) for power in np.linspace(-4, 4, 33)]
    asked = number(1.0, (1e-4, 1e4), log=True)
    assert asked.task["close"] == pytest.approx(10**0.8)  # a tenth of eight decades
    for (_, guess), each in zip(cases, judge([(asked, g) for _, g in cases]), strict=True):
        factor = max(guess, 1 / guess)
        assert each["close"] == (factor <= 10**0.8)
        if factor > 1:
            assert f"a factor of {room.kit.short(factor)}." in each["head"]


def test_words_of_a_number_name_units_and_an_answer_out_of_range(judge):
    said = judge([
        (number(92.4, (0, 100), unit="%"), 50.5), (number(5, (0, 1), unit="s"), 0.5),
        (number(79510, (1, 1e6), unit="weights"), 79510), (number(1 / 3), 0.333),
    ])  # fmt: skip
    assert told(said[0]) == "Not close: too small by 41.9 percentage points."
    assert told(said[1]) == (
        "Not close: too small by a factor of 10. "
        "What was measured lies outside of the range that could be entered."
    )
    assert [told(each) for each in said[2:]] == ["Exactly right.", "Right in all digits shown."]


def test_numbers_are_said_as_python_says_them(tmp_path):
    numbers = [0, 1, -3, 79510, 79510.5, 0.12345, 1e-7, 1e11, 1e13, -0.5, 2.5e6]
    code = "const answer = (all) => all.map(words.say);"
    assert browser.ask("predict/words", "words", code, numbers, tmp_path) == list(map(say, numbers))


def wave(turns, count=41):
    """A curve between 0.2 and 0.8 that turns so often."""
    return (0.5 + 0.3 * np.cos(np.pi * (turns + 1) * np.linspace(0, 1, count))).tolist()


UNIT = {"x": (0, 40), "y": (0, 1), "log_y": False}


def test_turns_are_counted_and_wiggles_are_not(tmp_path):
    rng = np.random.default_rng(0)
    shares = [wave(turns, 201) for turns in range(12)]
    noisy = [(np.array(each) + rng.uniform(-0.02, 0.02, 201)).tolist() for each in shares]
    code = "const answer = (all) => all.map(words.turnsOf);"
    found = browser.ask("predict/words", "words", code, shares + noisy, tmp_path)
    assert found == [*range(12), *range(12)]


def test_a_curve_guessed_as_it_is_has_nothing_wrong(judge):
    truths = [wave(turns) for turns in range(8)] + [[0.5] * 41, np.linspace(1, 0, 41).tolist()]
    for truth, said in zip(truths, judge([(curve(t, **UNIT), t) for t in truths]), strict=True):
        assert said["close"], truth
        assert said["head"] == "Close: the same all along."
        assert said["text"].startswith("Right: ")
        assert said["text"].count(".") == 1  # and no sentence more


def test_how_close_a_curve_is_overall_is_its_mean_distance(judge):
    truth, shifts = np.full(41, 0.5), np.linspace(-0.45, 0.45, 19)
    said = judge([(curve(truth, **UNIT), (truth + shift).tolist()) for shift in shifts])
    for shift, each in zip(shifts, said, strict=True):
        assert each["close"] == (abs(shift) <= 0.07)
        if abs(shift) > 0.001:
            assert f"on average {room.kit.short(abs(shift))} apart" in each["head"]
    log = judge([(curve([1.0] * 11), [10.0] * 11)])[0]
    assert log["head"] == "Not close: on average a factor of 10 apart."


CURVES = {  # what is drawn of a fall from 1 to 0 -> what must be said of it, and what must not
    "up": (lambda t: t, ["It falls; yours rises.", "It ends at 0, yours at 1: too large by 1."],
           []),
    "half": (lambda t: 1 - t / 2, ["Right: the start, the direction and that it never turns.",
             "It ends at 0, yours at 0.5: too large by 0.5."], ["starts", "largest"]),
    "level": (lambda t: 0.5 + 0 * t, ["It falls; yours ends about as high as it starts."], []),
    "late start": (lambda t: 0.5 - t / 2, ["Right: the end, the direction and that it never turns.",
                   "It starts at 1, yours at 0.5: too small by a factor of 2."], ["ends"]),
    "dip": (lambda t: 1 - t - 0.45 * np.exp(-(((t - 0.4) / 0.05) ** 2)),
            ["It never turns; yours turns twice.", "The largest gap is at step 16: measured 0.6, "
             "yours at 0.15: too small by a factor of 4."], ["ends", "starts"]),
    "wave": (lambda t: 1 - t + 0.1 * np.sin(20 * t), ["It never turns; yours turns 5 times."],
             ["falls; yours", "starts"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_words_of_a_curve_name_what_is_wrong_first(judge, name):
    draw, there, absent = CURVES[name]
    t = np.linspace(0, 1, 41)
    said = judge([(curve(1 - t, **UNIT), np.round(draw(t), 6).tolist())])[0]
    for words in there:
        assert words in said["text"]
    for words in absent:
        assert words not in said["text"]


def test_a_swinging_curve_is_compared_by_its_turns_and_not_by_its_direction(judge):
    swing = (0.5 + 0.4 * (-1.0) ** np.arange(41)).tolist()
    smooth, fewer = np.linspace(0.9, 0.1, 41).tolist(), wave(5)
    flat, some = judge([(curve(swing, **UNIT), smooth), (curve(swing, **UNIT), fewer)])
    assert "It turns 39 times; yours never turns." in flat["text"]
    assert "and that it swings." in some["text"]
    assert "It turns 39 times; yours turns 5 times." in some["text"]
    assert "falls" not in flat["text"] + some["text"]


def test_a_curve_with_gaps_is_compared_where_it_has_values(judge):
    answer = [1.0, 0.5, 0.25, *[math.nan] * 8]
    exact = [1.0, 0.5, 0.25, *[5.0] * 8]
    assert judge([(curve(answer), exact)])[0]["head"] == "Close: the same all along."
    sparse = [(k, 1.0 if k % 3 == 0 else math.nan) for k in np.linspace(0.1, 9.9, 200)]
    sparse = [(x, 1.0 if k % 2 else math.nan) for k, (x, _) in enumerate(sparse)]
    assert "too many gaps" in judge([(curve(sparse), [1.0] * 11)])[0]["head"]


# --- numbers as they are typed -----------------------------------------------------------------

TYPED = {
    "12": 12, " 12 ": 12, "-3": -3, "−3": -3, "+0.5": 0.5, ".5": 0.5, "5.": 5, "0,5": 0.5,
    "1e-3": 1e-3, "1E3": 1e3, "1,5e2": 150, "10^-3": 1e-3, "10**4": 1e4, "2·10^-3": 2e-3,
    "2 * 10^3": 2e3, "-10^2": -100, "1/8": 0.125, "-1/4": -0.25, "1,000": 1000, "0,500": 0.5,
    "12,345.5": 12345.5, "10 000": 10000, "1 234 567": 1234567, "12 %": 0.12, "50%": 0.5,
    "~3": 3, "≈ 3": 3,
    "": None, "abc": None, "1 2": None, "1..2": None, "1,2,3": None, "1/0": None, "1/2/3": None,
    "e5": None, "--1": None, "NaN": None, "Infinity": None, "1e999": None, "12 s": None,
    "0x10": None, "%": None, "<5": None, "1e": None, "10^": None,
}  # fmt: skip
WITH_UNIT = {
    ("12 %", "%"): 12, ("12", "%"): 12, ("3 s", "s"): 3, ("3S", "s"): 3, ("5 m", "s"): None,
    ("20 of 100", "of 100"): 20, ("40 images", "images"): 40,
}  # fmt: skip


def test_typed_numbers_are_understood_and_nonsense_is_not(tmp_path):
    cases = [*((text, "") for text in TYPED), *WITH_UNIT]
    code = "const answer = (all) => all.map(([text, unit]) => reading.readNumber(text, unit));"
    found = browser.ask("predict/reading", "reading", code, cases, tmp_path)
    wanted = [*TYPED.values(), *WITH_UNIT.values()]
    for case, here, there in zip(cases, wanted, found, strict=True):
        assert there == (here if here is None else pytest.approx(here)), case


def test_every_step_of_a_slider_is_another_number_of_its_range(tmp_path):
    ranges = [(0, 1), (0, 100), (0, 1000), (-2, 2), (1, 50), (0.37, 0.41), (1e-9, 3e-9), (-1e6, 7)]
    logs = [(1e-4, 1), (1, 3), (1e-12, 1e3), (0.5, 5000)]
    spans = [{"low": low, "high": high, "log": False} for low, high in ranges]
    spans += [{"low": low, "high": high, "log": True} for low, high in logs]
    code = """const answer = (all) => all.map((span) => {
      const { steps, value, step } = number.slide(span);
      return Array.from({ length: steps + 1 }, (_, k) => [value(k), step(value(k)) === k]);
    });"""
    for span, steps in zip(
        spans, browser.ask("predict/number", "number", code, spans, tmp_path), strict=True
    ):
        values = [value for value, _ in steps]
        assert all(back for _, back in steps)
        assert (values[0], values[-1]) == (span["low"], span["high"])
        assert all(a < b for a, b in itertools.pairwise(values))
        assert 100 <= len(values) <= 1001
        if span["log"]:
            assert values[len(values) // 2] == pytest.approx(
                math.sqrt(span["low"] * span["high"]), rel=0.1
            )


# --- the forms it takes --------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_headless_run_shows_question_answer_and_reason(monkeypatch, form):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    asked = FORMS[form]()
    data, metadata = asked._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"} | ({"image/png"} if form == "curve" else set())
    assert "What comes out?" in data["text/html"]
    assert "It must." in data["text/html"]
    assert "<script" not in data["text/html"] + data["text/plain"]
    assert "<details" not in data["text/html"]
    assert 'data-labkit-answered="true"' in data["text/html"]
    assert data["text/plain"] == asked.text
    if form == "choice":
        assert "<b>stays &lt;flat&gt;</b>: Nothing moves &amp; rests." in data["text/html"]
    if form == "curve":
        alt = "loss goes from 4 at step 0 to 0.00391 at step 10."
        assert metadata["image/png"]["alt"] == alt
        assert f'alt="{alt}"' in data["text/html"]


def test_the_picture_shows_the_true_curve():
    assert curve(LOSSES).png != curve(LOSSES[::-1]).png
    assert curve(LOSSES).png == curve(LOSSES).png


def test_a_curve_is_drawn_once_for_the_page_and_the_file(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    asked, drawn, paint = curve(), [], room.Prediction._paint
    monkeypatch.setattr(
        room.Prediction, "_paint", lambda self, on: drawn.append(1) or paint(self, on)
    )
    data, _ = asked._repr_mimebundle_()
    assert data["image/png"] in data["text/html"]
    assert drawn == [1]


def test_live_the_plain_text_keeps_the_answer_to_itself(monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    asked = number(0.123)
    data, _ = asked._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == asked.model_id
    assert data["text/plain"] == "Predict. What comes out?"
    assert data["text/html"].count("</script>") == 1


def test_html_is_closed_whatever_the_texts_hold():
    wild = "</script><script>alert(1)</script><!-- &amp; \" ' \u2028"
    page = choice(wild, [wild, "b"], question=wild, because=wild).html()
    assert page.count("</script>") == 1
    assert "<!--" not in page
    assert len(page) < 80_000


# --- what is kept --------------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """As if in a live notebook; returns a function that reads the learner's progress."""
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    monkeypatch.setattr(room, "in_notebook", lambda: True)
    lines = []

    def keep(lesson, what, name, **facts):
        lines.append({"lesson": lesson, "what": what, "name": name, **facts})

    monkeypatch.setattr(room.progress, "add", keep)
    monkeypatch.setattr(room.progress, "read", lambda: lines)
    return lines


GUESSES = {"choice": "rises", "number": 0.5, "curve": [1.0] * 11}


@pytest.mark.parametrize("form", FORMS)
def test_the_first_guess_is_kept_and_comes_back(notebook, form):
    first, guess = FORMS[form](), GUESSES[form]
    assert first.kept == {}
    kept = {"guess": guess, "close": False, "shown": False}
    first.kept = kept
    first.kept = {"guess": guess, "close": True, "shown": False}  # a second one counts no more
    task = first.task
    answer = LOSSES if form == "curve" else task["answer"]
    wanted = {"lesson": "01", "what": "guess", "name": task["name"], "answer": answer, **kept}
    assert notebook == [pytest.approx(wanted)] if form == "number" else len(notebook) == 1
    assert {**notebook[0], "answer": 0} == {**wanted, "answer": 0}
    assert FORMS[form]().kept == kept
    assert len(notebook) == 1


def test_an_answer_that_was_shown_is_kept_as_such(notebook):
    asked = number()
    asked.kept = {"guess": None, "close": False, "shown": True}
    assert number().kept == asked.kept
    assert (notebook[0]["guess"], notebook[0]["shown"]) == (None, True)


@pytest.mark.parametrize("guess", ["gone", 3, True, [1, 2]])
def test_a_guess_that_no_longer_fits_the_question_does_not_come_back(notebook, guess):
    for name in ("way", "rate", "loss"):
        line = {"lesson": "01", "what": "guess", "name": name, "guess": guess}
        notebook.append(line | {"close": True, "shown": False})
    assert choice().kept == {}
    assert curve().kept == {}
    assert (number().kept == {}) == (guess != 3 or guess is True)
    notebook.append(notebook[0] | {"guess": "rises"})
    assert choice().kept["guess"] == "rises"


def test_only_its_own_lines_are_read(notebook):
    line = {"lesson": "01", "what": "guess", "name": "way", "guess": "rises", "close": False}
    notebook += [line | {"lesson": "02"}, line | {"what": "check"}, line | {"name": "other"}, {}]
    assert choice().kept == {}


def test_a_long_curve_is_kept_as_at_most_50_numbers(notebook):
    asked = curve(np.linspace(4, 1, 777))
    asked.kept = {"guess": [1.0] * 26, "close": False, "shown": False}
    kept = notebook[0]["answer"]
    assert len(kept) == 50
    assert (kept[0], kept[-1]) == (4, 1)


def test_nothing_is_read_or_kept_without_a_live_notebook(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    asked = number()
    asked.kept = {"guess": 0.5, "close": False, "shown": False}
    assert not list(tmp_path.iterdir())


# --- in a browser ------------------------------------------------------------------------------


def box_of(page, k):
    plot = page.locator(".lk").nth(k).locator(".plot")
    plot.scroll_into_view_if_needed()
    return plot.locator(".frame").bounding_box()


def draw_with_mouse(page, k, points):
    """Draw in the plot of prediction k; points are shares of its width and height, from above."""
    box = box_of(page, k)
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=12)
    page.mouse.up()


LISTEN = """() => {
  window.told = [];
  addEventListener("labkit:answered", ({ target, detail }) => window.told.push(
    [target.dataset.labkitPredict, target.dataset.labkitAnswered, detail.lesson, detail.name]));
}"""


def root(page, name):
    return page.locator(f'[data-labkit-predict="01/{name}"]')


def answered(page, name):
    return root(page, name).get_attribute("data-labkit-answered") == "true"


def verdict(page, name):
    return root(page, name).locator(".verdict").inner_text()


@browser.needs_browser
@pytest.mark.slow
def test_by_mouse_each_form_takes_a_guess_and_then_shows_the_answer(still):
    page = still(choice(), number(), curve(), width=1366, height=768)
    page.evaluate(LISTEN)
    heights = [each.bounding_box()["height"] for each in page.locator(".lk").all()]
    assert heights[0] < 200 > heights[1]
    assert heights[2] < 380
    assert not page.get_by_text("It must.").count()  # the answer is not even in the page
    guess = page.get_by_role("button", name="That is my guess")
    for k, words in enumerate(["Choose one", "Type a number", "Draw your curve first"]):
        guess.nth(k).click()
        assert words in page.get_by_role("alert").nth(k).inner_text()

    root(page, "way").get_by_text("stays <flat>").click()
    guess.nth(0).click()
    assert verdict(page, "way") == "Nothing moves & rests."
    root(page, "way").get_by_text("falls", exact=False).first.click()
    page.get_by_text("The first one counts: stays <flat>.").wait_for()
    assert verdict(page, "way") == "It goes down."

    field = root(page, "rate").get_by_role("textbox")
    for text, words in (("a lot", "“a lot” is no number"), ("12", "12 is out of range")):
        field.fill(text)
        guess.nth(0).click()
        assert words in page.get_by_role("alert").first.inner_text()
        assert field.input_value() == text  # nothing is lost
    root(page, "rate").get_by_role("slider").click()  # its middle
    assert field.input_value() == "0.5"
    guess.nth(0).click()
    assert verdict(page, "rate") == "Not close: too large by a factor of 2."
    assert root(page, "rate").locator(".side b").all_inner_texts() == ["0.5", "0.25"]

    draw_with_mouse(page, 2, [(0.01, 0.1), (0.5, 0.5)])
    guess.click()
    assert "ends at step 5; it must go on to 10" in page.get_by_role("alert").inner_text()
    draw_with_mouse(page, 2, [(0.5, 0.5), (0.99, 0.84)])
    guess.click()
    assert verdict(page, "loss").startswith("Close: on average a factor of")
    wide = "rect => parseFloat(rect.getAttribute('width'))"
    reveal = root(page, "loss").locator("clipPath[id$=reveal] rect")
    assert reveal.evaluate(wide) < 300  # it comes from the left ...
    page.wait_for_timeout(1500)
    assert reveal.evaluate(wide) > 600  # ... and is there within 1.5 seconds
    colors = [root(page, "loss").locator(each).evaluate("e => getComputedStyle(e).stroke")
              for each in (".guess", ".truth")]  # fmt: skip
    assert colors[0] != colors[1]
    assert page.evaluate("() => window.told") == [
        [f"01/{name}", "true", "01", name] for name in ("way", "rate", "loss")
    ]
    for width in (1366, 700, 420):
        page.set_viewport_size({"width": width, "height": 768})
        page.evaluate(browser.SETTLED)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


@browser.needs_browser
@pytest.mark.slow
def test_by_keyboard_alone_in_the_dark_without_motion(still):
    dark = "color:#eee;background:#212121"
    shown = predict("02", "shown", answer=3, number=(1, 5), **TEXTS)
    page = still(
        choice(), number(), curve(), shown, body=dark, reduced_motion="reduce", height=1200
    )
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert not answered(page, "way")
    page.keyboard.press("Enter")
    assert answered(page, "way")
    assert root(page, "way").locator(".side b").all_inner_texts() == ["stays <flat>", "falls"]

    root(page, "rate").get_by_role("textbox").focus()
    page.keyboard.type("0,3")
    slider = root(page, "rate").get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "0.3"
    slider.press("ArrowLeft")
    slider.press("Enter")
    assert verdict(page, "rate") == "Close: too large by 0.04."

    plot = root(page, "loss").get_by_role("slider")
    plot.focus()
    assert plot.get_attribute("aria-valuetext") == "step 0: not drawn yet"
    assert plot.get_attribute("aria-valuenow") is not None  # no slider is without
    page.keyboard.press("PageUp")
    for key in ("End", "PageDown", "PageDown", "ArrowUp"):
        page.keyboard.press(key)
    height = 0.5 + 1 / 8 - 2 / 8 + 1 / 40
    value = float(f"{0.001 * 1e4**height:.3g}")
    assert plot.get_attribute("aria-valuetext") == f"step 10: loss {value}"
    assert float(plot.get_attribute("aria-valuenow")) == value
    page.keyboard.press("ArrowLeft")
    assert plot.get_attribute("aria-valuetext").startswith("step 9: loss ")  # between the two
    page.keyboard.press("Delete")
    assert plot.get_attribute("aria-valuetext") == "step 0: not drawn yet"
    assert plot.get_attribute("aria-valuenow") is not None  # no slider is without
    for key in ("PageUp", "PageUp", "End", "PageDown", "Home", "Backspace", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert answered(page, "loss")
    assert (
        root(page, "loss")
        .locator("clipPath[id$=reveal] rect")
        .evaluate("rect => parseFloat(rect.getAttribute('width')) > 600")
    )  # at once

    last = page.locator('[data-labkit-predict="02/shown"]')
    last.evaluate("root => root.dispatchEvent(new CustomEvent('labkit:show-me'))")
    assert last.get_attribute("data-labkit-answered") == "true"
    assert "You looked without a guess" in last.locator(".counts").inner_text()
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "predict-dark.png", full_page=True)


KEPT = [
    "import os\nos.environ['LABKIT_LEARNER'] = {folder!r}\n"
    "from labkit.explore.predict import predict\ntexts = {texts!r}",
    "predict('01', 'way', answer='falls', choices={choices!r}, **texts)",
    "predict('01', 'rate', answer=0.25, number=(0, 1), **texts)",
    "predict('01', 'loss', answer={losses!r}, curve={axes!r}, **texts)",
    "predict('01', 'open', answer=2, number=(0, 9), **texts)",
    "import time; time.sleep(1.5)",
]


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_guesses_are_kept_and_come_back(tmp_path):
    values = {"folder": str(tmp_path / "learner"), "texts": TEXTS, "choices": CHOICES}
    values |= {"losses": LOSSES, "axes": AXES}
    browser.write_notebook(tmp_path / "n.ipynb", *(cell.format(**values) for cell in KEPT))
    names = ("way", "rate", "loss")
    with browser.Lab(tmp_path, 1366, 768) as lab:
        page = lab.open("n.ipynb", theme="dark")
        assert lab.run(page)
        browser.run_last_cell(page, "import time; time.sleep(1.5)")  # the kernel is busy ...
        page.get_by_role("radio", name="rises").press(" ")
        page.keyboard.press("Enter")
        assert verdict(page, "way") == "Not so."  # ... and the page answers
        root(page, "rate").get_by_role("button", name="Show me").click()
        draw_with_mouse(page, 2, [(0.01, 0.1), (0.99, 0.8)])
        page.keyboard.press("d")  # no cell is deleted
        page.keyboard.press("d")
        root(page, "loss").get_by_role("button", name="That is my guess").click()
        page.wait_for_timeout(1300)
        page.screenshot(path=ARTIFACTS / "predict-lab-dark.png")
        count = "from labkit.lab import progress; print('lines:', len(progress.read()))"
        browser.run_until(page, count, "lines: 3")
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 6
        text = (tmp_path / "learner" / "progress.jsonl").read_text()
        lines = {line["name"]: line for line in map(json.loads, text.splitlines())}
        assert lines["way"]["guess"] == "rises"
        assert (lines["rate"]["guess"], lines["rate"]["shown"]) == (None, True)
        assert len(lines["loss"]["guess"]) == 11
        assert lines["loss"]["close"] is True
        said = [verdict(page, name) for name in names]

        assert page.evaluate("() => jupyterapp.shell.currentWidget.context.model.dirty")
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        browser.wait_until(page, "() => !jupyterapp.shell.currentWidget.context.model.dirty")
        assert page.problems == []
        lab.close(page)
        page = lab.open("n.ipynb")  # opened again: nothing is run
        root(page, "open").get_by_text("To have your guess kept, run this cell first").wait_for()
        assert not answered(page, "open")
        assert [answered(page, name) for name in names] == [True] * 3
        assert [verdict(page, name) for name in names] == said
        assert lab.run(page)  # run again: they come back from the learner's progress
        page.locator(".lk").nth(2).wait_for()
        assert [answered(page, name) for name in names] == [True] * 3
        assert [verdict(page, name) for name in names] == said
        assert page.outside == []
        page.screenshot(path=ARTIFACTS / "predict-lab-light.png")
    assert (tmp_path / "learner" / "progress.jsonl").read_text() == text
