"""Watch a training: its buttons, its words, and that nothing trains behind one's back."""

import base64
import time

import numpy as np
import pytest

from labkit.data import load_mnist
from labkit.explore import kit
from labkit.explore.live_training import LiveTraining


@pytest.fixture(scope="module")
def data():
    return load_mnist()


@pytest.fixture
def live(data, monkeypatch):
    """A small network to watch, ten updates an epoch, two epochs."""
    import keras

    from labkit.networks.models import mlp

    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    model = mlp(hidden=16)
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    validation = data.x_train[640:840], data.y_train[640:840]
    return LiveTraining(model, data.x_train[:640], data.y_train[:640], validation, epochs=2)


def weights(live):
    return np.concatenate([w.ravel() for w in live.training.model.get_weights()])


@pytest.mark.slow
def test_pause_step_and_stop_keep_what_was_learned_and_it_goes_on_to_the_same_bits(live):
    live.run(4)
    after_four = weights(live)
    live.controls["speed"].value = 50
    live.start()
    while live.training.step < 8:
        time.sleep(0.01)
    live.pause()
    assert not live.running
    at, held = live.training.step, weights(live)
    assert 8 <= at < 20
    assert "standing still" in live.text
    time.sleep(0.1)
    live.stop()
    assert (weights(live) == held).all()
    assert (held != after_four).any()
    assert "is yours to use" in live.text
    assert live.curves["updates"][-1] == at
    live.controls["speed"].value = 0
    live.start()
    while live.running:
        time.sleep(0.01)
    whole, losses = weights(live), list(live.training.losses)
    assert "20 of 20 updates" in live.text
    assert "finished" in live.text
    live.reset()
    live.run(20)
    assert live.training.losses == losses
    assert (weights(live) == whole).all()


@pytest.mark.slow
def test_the_kernel_is_free_while_the_training_runs(live):
    """Were the training in the way, the lines after `start` would come after its end."""
    live.total = 100_000
    live.start()
    for _ in range(50):
        time.sleep(0.005)
    while live.training.step < 20:
        time.sleep(0.005)
    assert live.running
    assert live.training.model.count_params() == 785 * 16 + 17 * 10
    live.pause()
    assert 20 <= live.training.step < 100_000


@pytest.mark.slow
def test_the_buttons_do_what_they_say(live):
    button = live._button
    assert [name for name, each in button.items() if each.disabled] == ["pause"]
    button["step"].click()
    assert live.training.step == 1
    button["epoch"].click()
    assert live.training.step == 11
    assert "11 of 20 updates" in live._status.value
    live.controls["learning_rate"].value = 0.002
    import keras

    rate = keras.ops.convert_to_numpy(live.training.model.optimizer.learning_rate)
    assert float(rate) == pytest.approx(0.002)
    assert "Learning rate 0.002" in live._status.value
    button["reset"].click()
    assert live.training.step == 0
    assert "not trained yet" in live._status.value
    assert live.curves["updates"] == []


@pytest.mark.slow
def test_divergence_and_failures_are_said_in_words(live, monkeypatch):
    live.run(1)
    monkeypatch.setattr(
        live.training.model, "train_on_batch", lambda *a, **k: {"loss": float("nan")}
    )
    live.run(3)
    assert live.training.step == 2
    assert "diverged" in live.text
    assert live.png.startswith(b"\x89PNG")
    live.reset()

    def broken(*_, **__):
        raise RuntimeError("planted")

    monkeypatch.setattr(live.training.model, "train_on_batch", broken)
    live.start()
    while live.running:
        time.sleep(0.01)
    assert "RuntimeError: planted" in live.text


@pytest.mark.slow
def test_a_schedule_cannot_be_turned_by_hand(live):
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    live.training.model.compile(keras.optimizers.SGD(schedule), "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"is a CosineDecay.*give the optimizer a number"):
        LiveTraining(live.training.model, live.training.x, live.training.y, live.validation_data)


@pytest.mark.slow
def test_walk_covers_wild_learning_rates_and_notices_a_training_that_does_not_stop(
    live, monkeypatch
):
    assert live.walk() == 3
    assert live.training.step == 0
    plain = live._measure

    def learns_while_measuring():
        live.training.model.layers[-1].bias.assign_add(np.ones(10, "float32"))
        plain()

    monkeypatch.setattr(live, "_measure", learns_while_measuring)
    with pytest.raises(kit.ExplorerError, match="although nothing trains it"):
        live.walk()


@pytest.mark.slow
def test_a_headless_run_shows_the_whole_training_and_no_widget(live, data, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    training = live.training
    whole = LiveTraining(training.model, training.x, training.y, live.validation_data, epochs=2)
    bundle = whole._repr_mimebundle_()
    assert "20 of 20 updates" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" not in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert len(bundle["image/png"]) < 60_000
