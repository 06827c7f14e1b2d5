"""The lessons in the language of LABKIT_LANG: built, found, listed, opened, recorded."""

import json

import pytest
from click.testing import CliRunner

from labkit.cli import main
from labkit.lab import copies, places
from labkit.lab import lesson as lessons
from labkit.lab.language import LanguageError, language
from labkit.lab.pages import contents
from labkit.lab.records import entry
from labkit.lab.translation import catalog, editions
from labkit.lab.translation.texts import texts_of

TITLE = {("title", "01 · Gradient descent"): "01 · 梯度下降"}


@pytest.fixture
def chinese(tmp_path, monkeypatch):
    """An edition in a folder of its own, in which the title of lesson 01 is translated."""
    monkeypatch.setattr(places, "edition_folder", lambda named: tmp_path / named)
    monkeypatch.setattr(editions.catalog, "known", lambda po: TITLE)
    editions.ensure("zh")
    monkeypatch.setenv("LABKIT_LANG", "zh")
    return tmp_path / "zh"


def test_another_language_is_refused_with_those_there_are(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "de")
    with pytest.raises(LanguageError, match=r"'de'.*en, zh"):
        language()
    assert CliRunner().invoke(main, ["list"]).exit_code == 2
    assert CliRunner().invoke(main, ["run", "01", "--lang", "de"]).exit_code == 2


def test_without_an_edition_the_lessons_are_english(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "edition_folder", lambda named: tmp_path / named)
    monkeypatch.setenv("LABKIT_LANG", "zh")
    assert places.notebooks() == places.english_notebooks()


def test_lessons_are_those_of_the_edition(chinese, monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "en")
    english = lessons.read("11").full
    assert english
    monkeypatch.setenv("LABKIT_LANG", "zh")
    lesson = lessons.read("01")
    assert lesson.path == chinese / "01_gradient_descent.ipynb"
    assert lesson.title == "梯度下降"
    assert lesson.address == "01_gradient_descent"
    assert lessons.read("11").full == english
    assert [each["title"] for each in contents.overview()][1] == "梯度下降"
    assert (chinese / "small").is_dir()


def test_links_between_lessons_have_the_titles_of_the_edition(chinese):
    title = lessons.read("00").content["cells"][0]["source"]
    assert "[01 · 梯度下降](01_gradient_descent.ipynb)" in title
    assert "[所有课程](index.ipynb)" in title


def test_an_edition_is_built_again_only_when_something_changed(chinese, monkeypatch):
    built = []
    monkeypatch.setattr(editions, "build", lambda *given: built.append(given))
    editions.ensure("zh")
    assert built == []
    (chinese / "made-from.txt").write_text("something else", encoding="utf-8")
    editions.ensure("zh")
    assert len(built) == 1


def test_runs_and_copies_are_kept_apart_and_progress_is_not(chinese, tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_RUNS", raising=False)
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path / "mine"))
    assert places.runs_folder().parts[-2:] == ("runs", "zh")
    assert places.learner_folder() == tmp_path / "mine"
    copy = copies.open_copy(places.lesson_file("01"))
    assert copy == tmp_path / "mine" / "zh" / "01_gradient_descent.ipynb"
    content = json.loads(copy.read_text(encoding="utf-8"))
    assert content["cells"][0]["source"][0] == "# 01 · 梯度下降\n"
    assert content["metadata"]["labkit"]["lang"] == "zh"


def test_a_record_says_the_language(chinese):
    assert entry.begin(lessons.read("01"), {}, "a").environment["language"] == "zh"


def test_an_english_record_says_none():
    assert "language" not in entry.begin(lessons.read("01"), {}, "a").environment


def test_links_and_minutes_are_written_into_english_lessons_only(chinese):
    with pytest.raises(ValueError, match="LABKIT_LANG"):
        contents.write_all()


def test_question_and_what_comes_before_are_those_of_the_edition():
    notebook = catalog.notebook("01")
    texts = [text.text for text in texts_of(notebook) if text.context == "title"]
    question = next(text for text in texts if text.startswith("**Question.**"))
    time = next(text for text in texts if "{minutes}" in text)
    known = {
        ("title", question): "**问题：** 机器怎样找到它们？",
        ("title", time): "**用时：** 约 {minutes} 分钟。**先修：** 第 00 课。你要知道导数。",
    }
    assert editions._facts(notebook, known) == {
        "question": "机器怎样找到它们？",
        "before": "第 00 课",
    }
