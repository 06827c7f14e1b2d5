"""The figures of lesson 10 show the numbers they are given."""

import numpy as np

from labkit.explore import network_pictures as pictures


def test_each_image_has_its_title_and_empty_places_stay_empty(shown):
    some = np.random.default_rng(0).random((13, 28, 28, 1))
    pictures.images(some, [f"n{i}" for i in range(13)], "thirteen")
    axes = [ax for ax in shown[0][0].axes if ax.images]
    assert [ax.get_title() for ax in axes] == [f"n{i}" for i in range(13)]
    np.testing.assert_array_equal(axes[12].images[0].get_array(), some[12, :, :, 0])


def test_the_course_of_a_training_has_the_losses_of_both_heaps_and_the_best_epoch(shown):
    history = {"loss": [2, 1, 0.1], "val_loss": [2.1, 1.5, 1.6]}
    history |= {"accuracy": [0.1, 0.5, 0.9], "val_accuracy": [0.1, 0.4, 0.5]}
    pictures.course(history, 2, "course")
    training, validation, best = shown[0][0].axes[0].lines
    assert training.get_ydata().tolist() == history["loss"]
    assert validation.get_ydata().tolist() == history["val_loss"]
    assert best.get_xdata()[0] == 2


def test_a_loop_and_fit_that_differ_are_told_by_how_much(shown):
    pictures.hand_and_fit([1.0, 0.5], [1.0, 0.25], "yours")
    assert "Largest difference of a loss: 2e-01" in shown[0][1]
    assert "yours" in shown[0][1]


def test_every_network_has_its_mark(shown):
    losses = {"bad": -np.ones((3, 20)), "good": np.ones((3, 20))}
    shares = {name: np.linspace(0, 1, 20) for name in ("printed", "right", "good")}
    pictures.wrong_labels(losses, shares)
    assert [len(line.get_xdata()) for line in shown[0][0].axes[1].lines] == [20, 20, 20]
