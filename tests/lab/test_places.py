from pathlib import Path

import pytest

from labkit.lab import places
from labkit.lab.places import PlaceError


def test_home_is_the_folder_that_labkit_home_names(lab):
    assert places.home() == lab.home


def test_home_is_this_checkout_without_labkit_home(monkeypatch):
    monkeypatch.delenv("LABKIT_HOME", raising=False)
    assert places.home() == Path(__file__).parents[2]


def test_a_home_without_lessons_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    with pytest.raises(PlaceError, match="notebooks") as error:
        places.home()
    assert str(tmp_path) in str(error.value)
    assert "set LABKIT_HOME" in str(error.value)


def test_results_go_where_asked_else_where_labkit_runs_says_else_beside_the_lessons(
    lab, tmp_path, monkeypatch
):
    assert places.runs_folder() == lab.home / "runs"
    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path / "mine"))
    assert places.runs_folder() == tmp_path / "mine"
    assert places.runs_folder(tmp_path / "asked") == tmp_path / "asked"


def test_a_tilde_is_the_home_folder(lab, monkeypatch):
    # A shell leaves the tilde in --to=~/results as it is.
    monkeypatch.setenv("HOME", str(lab.home))
    assert places.runs_folder("~/results") == lab.home / "results"


@pytest.mark.parametrize("name", [98, "98", "98_trial", "98_trial.ipynb"])
def test_a_lesson_has_several_names(lab, name):
    path = lab.lesson()
    assert places.lesson_file(name) == path
    assert places.lesson_file(path) == path


def test_a_path_is_that_file_or_refused(lab, tmp_path, monkeypatch):
    own = lab.lesson()
    copy = tmp_path / "ben" / own.name
    copy.parent.mkdir()
    copy.write_text("{}")
    assert places.lesson_file(str(copy)) == copy
    assert places.lesson_file(copy) == copy
    monkeypatch.chdir(copy.parent)
    assert places.lesson_file(own.name) == copy
    assert places.lesson_file("98") == own
    with pytest.raises(places.PlaceError, match=r"There is no notebook .*ann.98_trial"):
        places.lesson_file(tmp_path / "ann" / own.name)
    odd = copy.rename(copy.with_name("homework.ipynb"))
    with pytest.raises(places.PlaceError, match=r"not named like a lesson.*50_my_lesson"):
        places.lesson_file(odd)


@pytest.mark.parametrize("name", [1, "1", "01"])
def test_a_number_below_ten_needs_no_zero(lab, name):
    path = lab.lesson(name="01_trial")
    assert places.lesson_file(name) == path


@pytest.mark.parametrize("name", ["", "9", "098", "98_", "98_tria", "trial", "-1", "٩٨"])
def test_an_unknown_lesson_is_refused_with_those_there_are(lab, name):
    lab.lesson()
    with pytest.raises(PlaceError, match="98_trial") as error:
        places.lesson_file(name)
    assert repr(str(name)) in str(error.value)


def test_lessons_come_in_order_and_copies_do_not_count(lab):
    second, first = lab.lesson(name="11_b"), lab.lesson(name="02_a")
    lab.lesson(name="11_b-Copy1")  # what JupyterLab's "Duplicate" makes
    lab.lesson(name="notes")
    assert places.lesson_files() == {"02": first, "11": second}


def test_two_lessons_with_one_number_are_named(lab):
    lab.lesson(name="11_b")
    lab.lesson(name="11_mine")
    with pytest.raises(PlaceError, match=r"11_b\.ipynb and 11_mine\.ipynb"):
        places.lesson_files()


def test_a_small_notebook_has_the_names_of_a_lesson_but_is_none(lab):
    lesson = lab.lesson()
    small = lab.home / "notebooks" / "small" / "99_part.ipynb"
    small.parent.mkdir()
    lab.lesson(name="99_part").rename(small)
    (small.parent / "97_part-Copy1.ipynb").write_text("{}")
    assert [places.lesson_file(name) for name in (99, "99", "99_part", small)] == [small] * 4
    assert places.lesson_files() == {"98": lesson}
    for name in ("97", "99_other"):
        with pytest.raises(PlaceError, match=f"no lesson '{name}'"):
            places.lesson_file(name)
