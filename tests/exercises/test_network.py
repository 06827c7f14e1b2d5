"""The exercises of lesson 10: Keras networks and steps in many forms, and a bug in the labels."""

import numpy as np
import pytest
from every_exercise import all_exercises
from written import written

from labkit.exercises import network as exercise

NEEDING_KERAS = all_exercises(keras=True)
MISTAKES = [(name, kind) for name, each in NEEDING_KERAS.items() for kind in each.mistakes]

RIGHT = {
    "network.network": [
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(hidden, 'relu'), keras.layers.Dense(10, 'softmax')])",
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Reshape((784,)),"
        " keras.layers.Dense(hidden), keras.layers.ReLU(), keras.layers.Dense(10),"
        " keras.layers.Softmax()])",
        "model = keras.Sequential()\n  model.add(keras.Input((28, 28, 1)))\n"
        "  model.add(keras.layers.Flatten())\n"
        "  model.add(keras.layers.Dense(hidden, activation=keras.ops.relu))\n"
        "  model.add(keras.layers.Dense(10, activation=keras.activations.softmax))\n"
        "  return model",
        "inputs = keras.Input((28, 28, 1))\n  a = keras.layers.Flatten()(inputs)\n"
        "  a = keras.layers.Dense(units=hidden, activation='relu')(a)\n"
        "  return keras.Model(inputs, keras.layers.Dense(10, activation='softmax')(a))",
        "model = keras.Sequential([keras.layers.Flatten(input_shape=(28, 28, 1)),"
        " keras.layers.Dense(hidden, 'relu'), keras.layers.Dense(10, 'softmax')])\n"
        "  model.compile('adam', 'sparse_categorical_crossentropy')\n  return model",
    ],
    "network.step": [
        "loss, gradients = loss_and_gradients(model, x, y)\n"
        "  for w, g in zip(model.trainable_variables, gradients):\n"
        "      w.assign(w - learning_rate * g)\n  return loss",
        "loss, gradients = loss_and_gradients(model, x, y)\n"
        "  for i in range(len(gradients)):\n"
        "      model.trainable_variables[i].assign_sub(learning_rate * gradients[i])\n"
        "  return float(loss)",
        "loss, gradients = loss_and_gradients(model, x, y)\n"
        "  optimizer = keras.optimizers.SGD(learning_rate)\n"
        "  optimizer.apply(gradients, model.trainable_variables)\n  return loss",
        "loss, gradients = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([w - learning_rate * np.array(g)"
        " for w, g in zip(model.get_weights(), gradients)])\n  return np.array(loss)",
        "model.compile(keras.optimizers.SGD(learning_rate), 'sparse_categorical_crossentropy')\n"
        "  return model.train_on_batch(x, y)",
    ],
    "network.better": [
        "model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(10, 'softmax')])\n"
        "  model.compile('sgd', 'sparse_categorical_crossentropy')\n  return model, 16",
        "model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(4, 3),"
        " keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(10, 'softmax')])\n"
        "  model.compile('adam', 'sparse_categorical_crossentropy')\n  return [model, 100]",
    ],
}
WRONG = {  # nobody planned for them
    "network.network": [
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(hidden, 'tanh'), keras.layers.Dense(10, 'softmax')])",
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(hidden, 'relu'), keras.layers.Dense(hidden, 'relu'),"
        " keras.layers.Dense(10, 'softmax')])",
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(hidden, 'relu'), keras.layers.Dense(9, 'softmax')])",
        "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(hidden, 'relu', use_bias=False), keras.layers.Dense(10, 'softmax')])",
        "[keras.layers.Dense(hidden, 'relu'), keras.layers.Dense(10, 'softmax')]",
        "keras.Sequential",
        "hidden",
        "'784-hidden-10'",
        "784 * hidden + hidden * 10",
    ],
    "network.step": [
        "loss, g = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([w * (1 - learning_rate) for w in model.get_weights()])\n"
        "  return loss",
        "loss, g = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([w - learning_rate * np.sign(d)"
        " for w, d in zip(model.get_weights(), g)])\n  return loss",
        "loss, g = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([w - learning_rate * d / 2"
        " for w, d in zip(model.get_weights(), g)])\n  return loss",
        "loss, g = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([w - learning_rate * d"
        " for w, d in zip(model.get_weights(), g)])\n  return loss * len(x)",
        "loss, g = loss_and_gradients(model, x, y)\n"
        "  model.set_weights([-learning_rate * d for d in g])\n  return loss",
        "loss, g = loss_and_gradients(model, x, y)\n  return model",
        "'done'",
        "learning_rate",
    ],
    "network.better": [
        "keras.Sequential",
        "32",
        "('network', 32)",
        "model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),"
        " keras.layers.Dense(7, 'softmax')])\n"
        "  model.compile('sgd', 'sparse_categorical_crossentropy')\n  return model, 16",
    ],
}


def pairs(table):
    return [(name, source) for name, sources in table.items() for source in sources]


def checked(name, source):
    import keras

    tools = {"keras": keras, "loss_and_gradients": exercise._loss_and_gradients}
    return NEEDING_KERAS[name].check(written(name, source, **tools))


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDING_KERAS)
def test_right_answers_stubs_and_what_is_no_answer_are_told_apart(name):
    each = NEEDING_KERAS[name]
    assert each.check(each.right).ok
    assert each.check(lambda *_: ...).kind == "not tried"
    assert each.check(lambda *_: None).kind == "nothing returned"
    assert each.check(lambda *_: 1 / 0).kind == "error"
    odd = each.check(lambda *_: 123456.789)
    assert odd.kind not in ("right", "not tried", "error")
    assert "123457" in odd.message or name == "network.step"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), MISTAKES)
def test_each_planned_mistake_of_a_network_is_named(name, kind):
    wrong, message = NEEDING_KERAS[name].mistakes[kind]
    feedback = NEEDING_KERAS[name].check(wrong)
    assert (feedback.kind, feedback.message) == (kind, message)
    assert message.endswith((".", "?"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "source"), pairs(RIGHT))
def test_a_network_or_a_step_in_any_form_is_right(name, source):
    feedback = checked(name, source)
    assert feedback.ok, feedback


@pytest.mark.slow
@pytest.mark.parametrize(("name", "source"), pairs(WRONG))
def test_a_wrong_network_or_step_is_told_what_came(name, source):
    feedback = checked(name, source)
    assert feedback.kind not in ("right", "not tried", "other", *NEEDING_KERAS[name].mistakes)
    assert "Hint:" not in feedback.message


@pytest.mark.slow
def test_the_labs_step_is_that_of_keras_and_the_cases_stay_as_they_are():
    """Keras' own automatic gradient is the truth here; the lab's step has lesson 04's."""
    import keras

    for case in exercise.step.cases:
        ours, theirs = (case[0].__deepcopy__({}) for _ in range(2))
        loss = exercise.step.right(ours, *case[1:])
        rate = keras.optimizers.SGD(case[3])
        theirs.compile(rate, "sparse_categorical_crossentropy")
        assert loss == pytest.approx(float(theirs.train_on_batch(*case[1:3])), rel=1e-5)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
def test_a_right_step_goes_on_changing_the_model_that_it_is_given(monkeypatch):
    """Not a copy of it: the lesson trains with it."""
    from labkit.learn import checks

    monkeypatch.setattr(checks, "is_headless", lambda: False)

    def mine(model, x, y, learning_rate):
        return exercise.step.right(model, x, y, learning_rate)

    assert exercise.step.use(mine) is mine


def test_two_labels_are_exchanged_and_all_others_stay():
    y = np.arange(10).repeat(3)
    changed = exercise.exchange_labels(y)
    small, large = exercise.swapped.right
    assert (changed[y == small] == large).all()
    assert (changed[y == large] == small).all()
    others = ~np.isin(y, exercise.swapped.right)
    assert (changed[others] == y[others]).all()
    assert y.tolist() == np.arange(10).repeat(3).tolist()  # not changed in place


@pytest.mark.parametrize(
    "pair", [[2, 7], [7, 2], (2, 7), (7, 2), {7, 2}, "2 and 7", "7, 2", np.array([2, 7])]
)
def test_the_pair_may_be_written_in_any_form(pair):
    assert exercise.swapped.check(pair).ok


def test_the_lesson_exchanges_back_whatever_the_form_of_the_pair(monkeypatch):
    monkeypatch.setattr("labkit.learn.checks.is_headless", lambda: False)
    for pair in ((7, 2), {2, 7}, "2 and 7"):
        assert list(exercise.swapped.use(pair)) == [2, 7]


@pytest.mark.parametrize("pair", [[9, 4], (9, 4), (4, 9), {4, 9}, "9 and 4", np.array([9, 4])])
def test_a_pair_that_looks_alike_is_told_in_any_form(pair):
    assert exercise.swapped.check(pair).kind == "digits that look alike"


@pytest.mark.parametrize("junk", ["two and seven", [2], [2, 7, 7], ["a", "b"], [[2], 7], {}, 2.5])
def test_no_pair_is_no_crash(junk):
    assert not exercise.swapped.check(junk).ok
