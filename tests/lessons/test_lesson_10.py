"""Lesson 10: what its words say of labels, files and `fit`, by its own cells."""

import nbformat
import numpy as np
import pytest

from labkit.lab import places

pytestmark = pytest.mark.slow

CELLS = {
    cell.id: cell.source for cell in nbformat.read(places.lesson_files()["10"], as_version=4).cells
}


@pytest.fixture(scope="module")
def lesson():
    """Names that the cells for section 3 and 7 leave behind."""
    names = {}
    for name in ("parameters", "setup", "pairs", "solution-labels", "loop"):
        exec(CELLS[name], names)
    names["y"] = names["labels_solution"](names["pairs"])
    for name in ("minus-one", "load", "save-models", "save-helpers", "save-files", "save-measure"):
        exec(CELLS[name], names)
    return names


def test_networks_with_wrong_labels_form_two_clouds_and_none_stands_at_their_mean(lesson, capsys):
    printed = (lesson["bad_yes"] == lesson["minus"][:, 0]).mean(axis=1)
    low = printed < 0.05
    assert 2 <= low.sum() <= 18
    assert printed[~low].min() > 0.3
    assert not (abs(printed - printed.mean()) < 0.05).any()
    silent = ~lesson["bad_yes"].any(axis=1)
    assert (silent == low).all()
    names = lesson | {"printed": printed, "true": printed, "good": printed, "silent": silent}
    start = CELLS["minus-one-words"].index("silent =")
    exec(CELLS["minus-one-words"][start:].split("warned =")[0], names)
    told = capsys.readouterr().out
    assert f"{low.sum()} of 20 say no to every pair" in told
    assert f"{20 - low.sum()} of 20 answer both" in told


def test_the_optimizer_is_in_the_h5_file_and_only_the_loader_leaves_it(lesson):
    keras_file, h5_file = (lesson["kept_by"][ending] for ending in (".keras", ".h5"))
    in_file, after = (
        "arrays of the optimizer, in the file",
        "arrays of the optimizer, after loading",
    )
    assert keras_file[in_file] == keras_file[after] == h5_file[in_file]
    kept, of = h5_file[after].split(" of ")
    assert int(kept) < int(of)
    assert not h5_file["loading says something of the optimizer"]


def test_keras_own_loss_falls_from_the_first_epoch_on(lesson):
    """As the text says of the figure, with the numbers of the loop by hand."""
    first = lesson["larger_of_two"](seed=lesson["seed"])
    W1, b1, W2, b2 = first.get_weights()
    layers = [(W1, b1), (W2, b2)]
    _, losses = lesson["train_by_hand"](layers, lesson["pairs"], lesson["y"], 30, 50, 1.0)
    assert losses[0] < np.log(2)
    assert (np.diff(losses) < 0).all()


def test_no_word_calls_a_strangers_file_safe():
    text = CELLS["save-read"]
    assert "Do not load" in text
    assert "Load such a file only with" not in text
