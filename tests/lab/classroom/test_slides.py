"""Slides: no answer before its question, nothing from another host, light and dark."""

import re

import browser
import pytest
from helpers import call

from labkit.lab import lesson as lessons
from labkit.lab.classroom import reveal, seen, slides
from labkit.lab.standing import tasks

LESSONS = lessons.read_all()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def prediction(name, truth):
    return (
        f'<section data-labkit-predict="01/{name}" data-labkit-answered="true"><p><b>Predict.</b> '
        f"What is {name}?</p><p><b>Measured:</b> {truth}</p><p>The reason.</p></section>"
    )


@pytest.fixture
def runs(keep_run):
    """A results folder with a run of lesson 01: all its predictions, and two figures."""
    outputs = []
    for cell in lessons.read("01").notebook().cells:
        if "predict" in cell.metadata.get("tags", []):
            name = re.search(r'"01",\s*"([^"]+)"', cell.source)[1]
            outputs.append((cell.id, {"text/html": prediction(name, "secret truth.")}))
        elif cell.id in ("contraction-figure", "explorer-rate"):
            outputs.append((cell.id, {"image/png": PNG, "text/plain": f"{cell.id} <caption>"}))
    return keep_run(outputs)


@pytest.fixture
def library(tmp_path):
    """A folder with the files of npm's reveal.js that slides need, for tests of what is copied."""
    folder = tmp_path / "package"
    for name in reveal._NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    (folder / "dist/reveal.js").write_text("var Reveal = {initialize() {}};", encoding="utf-8")
    (folder / "plugin/notes/notes.js").write_text("var RevealNotes = {};", encoding="utf-8")
    (folder / "dist/theme/simple.css").write_text("@import url(https://a.b/c);", encoding="utf-8")
    (folder / "LICENSE").write_text("MIT", encoding="utf-8")
    return folder


@each_lesson
def test_each_exercise_and_prediction_has_a_slide_and_no_solution(lesson):
    made = slides.slides(lesson, seen.Seen("", {}))
    asked = tasks(lesson)
    kinds = [slide.kind for slide in made]
    assert kinds.count("exercise") == sum(what == "check" for what, _ in asked)
    assert kinds.count("question") == sum(what == "guess" for what, _ in asked)
    assert kinds[0] == "title"
    assert "Solution" not in "".join(slide.body for slide in made)


def test_the_answer_follows_its_question_and_is_nowhere_before(runs):
    lesson = lessons.read("01")
    made = slides.slides(lesson, seen.latest(lesson, runs))
    answers = [at for at, slide in enumerate(made) if slide.is_answer]
    assert len(answers) == 6
    for at in answers:
        assert made[at - 1].kind == "question"
        assert made[at - 1].cell == made[at].cell
        assert "secret truth" not in made[at - 1].body
    # The formula of the limit is an answer in the lesson, so it comes after the prediction.
    first = next(at for at, slide in enumerate(made) if "largest stable" in slide.body.lower()
                 or slide.cell == "predict-limit")  # fmt: skip
    limit = next(at for at, slide in enumerate(made) if slide.kind == "formula")
    assert limit > first


def test_figures_have_their_captions_and_formulas_are_mathml(runs):
    lesson = lessons.read("01")
    made = slides.slides(lesson, seen.latest(lesson, runs))
    figures = [slide.body for slide in made if slide.kind == "figure"]
    assert len(figures) == 2
    assert "contraction-figure &lt;caption&gt;" in "".join(figures)
    assert "Live: lesson 01" in "".join(figures)
    assert any("<math" in slide.body for slide in made if slide.kind == "section")


def test_a_lesson_that_was_not_run_is_refused(tmp_path):
    words = ("class", "slides", tmp_path / "out", "--from", tmp_path / "runs")
    assert (
        "Lesson 01 has no finished run: labkit run 01"
        in call(*words[:3], "01", *words[3:], code=2).stderr
    )
    assert "labkit run --all" in call(*words, code=2).stderr


def test_a_folder_that_is_no_reveal_is_refused_with_how_to_get_it(tmp_path, runs):
    words = ("class", "slides", tmp_path / "out", "01", "--from", runs, "--reveal", tmp_path)
    told = call(*words, code=2).stderr
    assert "dist/reveal.js is not in it" in told
    assert "npm pack reveal.js@" in told
    assert not (tmp_path / "out").exists()


def test_what_reveal_needs_is_copied_and_nothing_that_asks_others(tmp_path, runs, library):
    call("class", "slides", tmp_path / "out", "01", "--from", runs, "--reveal", library)
    there = {p.relative_to(tmp_path / "out/reveal").as_posix() for p in
             (tmp_path / "out/reveal").rglob("*") if p.is_file()}  # fmt: skip
    assert there == {*reveal._NEEDED, "LICENSE"}
    text = next((tmp_path / "out").glob("*.slides.html")).read_text(encoding="utf-8")
    assert "://" not in text.replace("http://www.w3.org", "")
    assert "require" not in text
    assert text.count('class="slide question"') == 6


def test_the_deck_of_its_own_has_no_script(tmp_path, runs):
    call("class", "slides", tmp_path / "out", "--from", runs)
    text = (tmp_path / "out" / "01_gradient_descent.slides.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "://" not in text.replace("http://www.w3.org", "")
    assert "secret truth" in text


@pytest.mark.slow
@browser.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("revealed", [False, True])
def test_slides_open_from_a_file_without_a_request(
    tmp_path, runs, library, chromium, scheme, revealed
):
    more = ("--reveal", library) if revealed else ()
    call("class", "slides", tmp_path / "out", "01", "--from", runs, *more)
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 1366, "height": 768})
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "out" / "01_gradient_descent.slides.html").as_uri())
    page.wait_for_timeout(300)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
    if not revealed:
        number = page.locator("section").count()
        assert number > 20
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(wide)
        page.get_by_label("Next slide").first.click()
        page.wait_for_timeout(600)
        assert page.evaluate("Math.round(scrollY / innerHeight)") == 1
        dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
    context.close()
