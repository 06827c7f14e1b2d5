"""`use`: what is written is used, and safely."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from labkit.lab import places, progress
from labkit.learn import cells
from labkit.learn.checks import Exercise

STEP = Exercise(
    "step",
    right=lambda w, gradient: w - 0.1 * gradient,
    cases=[(np.array([1.0, 2.0]), np.array([1.0, -1.0])), (np.zeros(2), np.ones(2))],
    mistakes={"sign": (lambda w, gradient: w + 0.1 * gradient, "You step uphill.")},
    lesson="01",
)


def my_step(w, gradient):
    """My own words."""
    return w - gradient / 10


def my_wrong_step(w, gradient):
    return w + gradient / 10


def test_a_function_that_behaves_comes_back_itself(capsys):
    assert STEP.use(my_step) is my_step
    assert STEP.whose == "yours"
    assert "✓ Right. From here on the lesson runs on your `my_step`." in capsys.readouterr().out


@pytest.mark.parametrize("answer", [my_wrong_step, ..., None, lambda w, g: ..., 3, lambda w: w])
def test_until_it_is_right_the_lesson_runs_on_its_own(answer, capsys):
    assert STEP.use(answer) is STEP.right
    assert STEP.whose == "the lab's"
    assert "Until it is right, the lesson runs on the lab's own." in capsys.readouterr().out


def test_the_lab_takes_over_again_when_a_right_answer_is_spoiled():
    assert STEP.whose == "the lab's"  # nothing was checked
    STEP.use(my_step)
    assert STEP.use(my_wrong_step) is STEP.right
    assert STEP.whose == "the lab's"
    assert STEP.use(my_step) is my_step


def test_a_check_changes_nothing_about_whose_function_it_is():
    STEP.use(my_step)
    STEP.check(my_wrong_step)
    assert STEP.whose == "yours"


def test_one_that_changes_its_arguments_gets_copies():
    def in_place(w, gradient):
        w -= 0.1 * gradient
        return w

    used = STEP.use(in_place)
    w = np.array([1.0, 1.0])
    np.testing.assert_allclose(used(w, np.ones(2)), 0.9)
    assert w.tolist() == [1.0, 1.0]
    assert used.__name__ == "in_place"
    assert used.__wrapped__ is in_place


def own(form):
    return lambda w, gradient: form(np.asarray(w) - 0.1 * np.asarray(gradient))


@pytest.mark.parametrize("form", [np.ndarray.tolist, np.float32, lambda a: tuple(a.tolist())])
def test_another_form_comes_back_in_the_form_of_the_lab(form):
    used = STEP.use(own(form))
    new = used(np.array([1.0, 3.0]), np.ones(2))
    assert type(new) is np.ndarray
    assert new.dtype == np.float64
    np.testing.assert_allclose(new, [0.9, 2.9], rtol=1e-6)
    assert not isinstance(new - 1, list)


def test_numbers_of_numpy_and_of_python_are_both_at_home():
    half = Exercise("half", right=lambda x: x / 2, cases=[(3.0,), (np.ones(2),)])
    for answer in (lambda x: np.multiply(x, 0.5), lambda x: x * 0.5):
        assert half.use(answer) is answer
    assert half.use(lambda x: np.asarray(x) / 2)(np.float64(3.0)) == 1.5
    used = half.use(lambda x: np.float32(x / 2))
    assert type(used(3.0)) is float
    assert half.whose == "yours"


def test_several_values_keep_their_forms():
    both = Exercise(
        "both", right=lambda x: (float(x.sum()), 2 * x), cases=[(np.ones(2),), (np.arange(3.0),)]
    )
    used = both.use(lambda x: [np.sum(x), [2 * each for each in x]])
    total, doubled = used(np.array([1.0, 4.0]))
    assert total == 5
    np.testing.assert_array_equal(doubled, np.array([2.0, 8.0]))
    assert isinstance(doubled, np.ndarray)
    assert type(used(np.ones(2))) is tuple


def test_a_value_is_used_as_it_was_found():
    words = Exercise("words", right=["auc", "f1"], lesson="05")
    assert words.use(("AUC", " f1")) == ["auc", "f1"]
    assert words.use(["auc", "auc"]) == ["auc", "f1"]
    number = Exercise("number", right=0.25, tolerance=0.1)
    assert number.use(np.float32(0.26)) == pytest.approx(0.26)
    assert number.use(0.5) == 0.25


def test_a_run_without_a_reader_takes_the_labs_own(monkeypatch, capsys):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    assert STEP.use(my_step) is STEP.right
    assert STEP.whose == "the lab's"
    assert "✓ Right." in capsys.readouterr().out


def test_another_convention_is_used_and_named():
    step = Exercise(
        "both ways",
        right=lambda v: -v,
        also=[(lambda v: v, "Yours points uphill; that is a convention too.")],
        cases=[(1.0,), (2.0,)],
    )

    def uphill(v):
        return v

    assert step.use(uphill) is uphill
    feedback = step.check(uphill)
    assert feedback.ok
    assert "a convention too" in feedback.message


# --- the live notebook ---------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """Make this a live notebook; the list takes the sources of cells that were run."""
    ran = []
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(cells, "shell", lambda: SimpleNamespace(user_ns={"In": ["", *ran]}))
    return ran


def kept():
    return [
        {key: line[key] for key in ("lesson", "what", "name", "kind", "ok", "tries")}
        for line in progress.read(places.learner_folder())
    ]


def test_every_check_of_a_live_notebook_is_kept(notebook):
    STEP.check(lambda w, g: ...)
    STEP.check(my_wrong_step)
    STEP.check(my_wrong_step)
    STEP.use(lambda w, g: 3 * w)
    STEP.use(my_step)
    told = {"lesson": "01", "what": "check", "name": "step"}
    assert kept() == [
        told | {"kind": "sign", "ok": False, "tries": 1},
        told | {"kind": "sign", "ok": False, "tries": 1},
        told | {"kind": "g not used", "ok": False, "tries": 2},
        told | {"kind": "right", "ok": True, "tries": 3},
    ]
    json.dumps(kept())


def test_the_progress_keeps_which_error_it_was(notebook):
    assert STEP.check(lambda w, g: w.missing + g).kind == "error"
    assert [line["kind"] for line in kept()] == ["error: AttributeError"]


def test_headless_runs_are_not_kept(notebook, monkeypatch):
    notebook.append("exercise.step.check(my_step)")
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    STEP.check(my_step)
    assert kept() == []


def test_nothing_is_kept_outside_of_a_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    STEP.check(my_step)
    assert list(tmp_path.iterdir()) == []


def test_a_definition_that_python_could_not_read_is_pointed_out(notebook):
    notebook.append("def my_step(w, gradient):\n    return w - gradient / 10")
    notebook.append("exercise.step.use(my_step)")
    assert STEP.check(my_step).ok
    notebook[-1:] = ["def my_step(w, gradient):\n    return w - (gradient / 10", "my check"]
    feedback = STEP.check(my_step)
    assert feedback.kind == "an older version"
    assert "`my_step` that you ran last has a syntax error" in feedback.message
    assert [line["ok"] for line in kept()] == [True]  # nothing new was tried
    assert STEP.use(my_step) is STEP.right
    notebook[-1:] = ["def my_step(w, gradient):\n    return w - gradient / 10", "my check"]
    assert STEP.use(my_step) is my_step


def test_an_answer_is_known_by_the_name_that_the_cell_gives_it(notebook, capsys):
    notebook += ["my_step = lambda w, g: w - 0.1 * g", "step = exercise.step.use(my_step)"]
    STEP.use(lambda w, g: w - 0.1 * g)
    assert "runs on your `my_step`" in capsys.readouterr().out
    notebook += ["my_step = lambda w, g: w - (", "step = exercise.step.use(my_step)"]
    assert STEP.check(lambda w, g: w - 0.1 * g).kind == "an older version"


def test_a_value_that_python_could_not_read_is_no_blank(notebook):
    words = Exercise("words", right=["auc", "f1"], lesson="05")
    notebook += ["my_words = ...", "exercise.words.use(my_words)"]
    assert words.check(...).kind == "not tried"
    notebook += ["my_words = ['auc', 'f1'", "exercise.words.use(my_words)"]
    assert words.check(...).kind == "an older version"


def test_a_check_warns_of_nothing_itself():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert STEP.check(lambda w, g: w - 0.2 * g).kind == "g twice"
