"""Many answers as people write them: the right ones are accepted, the wrong ones are named."""

from collections import Counter

import pytest
from answers import EXERCISES, RIGHT, WRONG, checked
from every_exercise import is_named


@pytest.mark.parametrize(("name", "source"), RIGHT)
def test_a_right_answer_in_any_form_is_right(name, source):
    feedback = checked(name, source)
    assert feedback.ok, feedback


@pytest.mark.parametrize(("name", "source"), WRONG)
def test_a_wrong_answer_is_wrong_and_no_first_try_gets_the_hint(name, source):
    feedback = checked(name, source)
    assert feedback.kind not in ("right", "not tried")
    assert "Hint:" not in feedback.message
    assert not EXERCISES[name].hint or EXERCISES[name].hint not in feedback.message


def test_nine_of_ten_wrong_answers_that_nobody_planned_for_are_named(capsys):
    found = [(name, checked(name, source)) for name, source in WRONG]
    planned = [f for name, f in found if f.kind in EXERCISES[name].mistakes]
    unplanned = [f for name, f in found if f.kind not in EXERCISES[name].mistakes]
    named = [f for f in unplanned if is_named(f)]
    kinds = Counter(f.kind for f in named)
    with capsys.disabled():
        print(
            f"\n{len(RIGHT)} right answers; {len(WRONG)} wrong ones, {len(planned)} of them "
            f"planned; of the other {len(unplanned)} are named {len(named)}, of {len(kinds)} kinds"
        )
    assert len(named) > 0.9 * len(unplanned)


KERAS = {
    "losses.mse": ["keras.losses.MeanSquaredError()(y_true, y_pred)"],
    "losses.stable_cross_entropy": [
        "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)",
        "keras.losses.BinaryCrossentropy(from_logits=True)(y_true[:, None], logits[:, None])",
    ],
    "activations.softmax": [
        "keras.ops.softmax(z, axis=-1)",
        "keras.ops.convert_to_numpy(keras.activations.softmax(keras.ops.convert_to_tensor(z)))",
    ],
    "activations.network": ["keras.ops.relu(x @ W1 + b1) @ W2 + b2"],
}


@pytest.mark.slow
def test_answers_by_keras_are_right():
    import keras

    for name, sources in KERAS.items():
        for source in sources:
            feedback = checked(name, source, keras=keras)
            assert feedback.ok, (source, feedback)
