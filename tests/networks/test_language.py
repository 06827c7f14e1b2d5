"""The small language model: what it is built of, what it reads, and that it learns."""

import warnings

import numpy as np
import pytest

from labkit.maths.attention import gpt_parameters
from labkit.networks import language, lora, transformer
from labkit.networks.backend import keras

SHAPE = {"vocabulary": 300, "context": 8, "width": 8, "layers": 2}
CODES = np.tile(np.arange(20), 60)  # what comes next is always sure


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return language.build(**SHAPE, heads=2)


@pytest.fixture(scope="module")
def trained():
    """Return a model that learned the codes a little, and its losses before and after."""
    keras.utils.set_random_seed(0)
    new = language.build(**SHAPE, heads=2)
    before = language.losses(new, CODES).mean()
    language.train(new, CODES, 4000, 0.02, batch_size=4)
    return new, before, language.losses(new, CODES).mean()


def numbers(model, x):
    return keras.ops.convert_to_numpy(model(x))


def test_its_parameters_are_those_of_the_formula(model):
    assert model.count_params() == gpt_parameters(**SHAPE, tied=False)


def test_the_decoder_reads_its_weights(model):
    x = np.arange(8)[None]
    logits, looks = transformer.Decoder(model.get_weights()).read(x[0])
    np.testing.assert_allclose(logits, numbers(model, x)[0], atol=1e-5)
    assert looks.shape == (2, 2, 8, 8)


def test_untrained_it_knows_nothing_and_trained_it_knows_what_is_sure(trained):
    _, before, after = trained
    assert before == pytest.approx(np.log(300), abs=0.6)
    assert after < 0.5 * before


def test_a_width_that_heads_cannot_share_is_named():
    with pytest.raises(ValueError, match="width=9, heads=2"):
        language.build(width=9, heads=2)


def test_pieces_of_one_pass_share_no_token_and_all_are_followed_by_the_next():
    x, y = language.pieces(np.arange(1000), context=9, count=100, seed=3)
    assert (y == x + 1).all()
    assert len(np.unique(x)) == x.size


def test_more_pieces_than_the_text_has_are_cut_elsewhere():
    x, _ = language.pieces(np.arange(100), context=9, count=60)
    assert x.shape == (60, 9)
    assert len({*x[:, 0]}) > 11
    with pytest.raises(ValueError, match="got 0"):
        language.pieces(np.arange(100), context=9, count=0)


# --- LoRA ---------------------------------------------------------------------------------------


def test_an_adapted_copy_begins_as_the_model_and_counts_what_it_trains(model):
    copy, x = lora.adapt(model, rank=3), np.arange(16).reshape(2, 8)
    np.testing.assert_array_equal(numbers(copy, x), numbers(model, x))
    dense = [(8, 32), (32, 8)] * 2 + [(8, 300)]
    assert lora.trained_numbers(copy) == sum(3 * (d + k) for d, k in dense)


def test_training_the_copy_leaves_the_model_and_merges_into_one_matrix(trained):
    model, x = trained[0], np.arange(16).reshape(2, 8)
    before = [array.copy() for array in model.get_weights()]
    copy = lora.adapt(model, rank=2, product=lambda x, W, A, B, s: x @ (W + s * A @ B))
    language.train(copy, CODES[::-1].copy(), 2000, 0.02, batch_size=4)
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
    assert np.abs(numbers(copy, x) - numbers(model, x)).max() > 0.1
    whole = language.build(**SHAPE, heads=2)
    whole.set_weights(lora.merged_weights(copy))
    np.testing.assert_allclose(numbers(whole, x), numbers(copy, x), atol=1e-4)


def test_what_lora_adds_has_the_rank_that_was_asked_for():
    layer = lora.LoRADense(7, rank=2)
    layer.build((None, 5))
    layer.A.assign(np.random.default_rng(0).normal(size=(5, 2)))
    layer.B.assign(np.random.default_rng(1).normal(size=(2, 7)))
    added = layer.merged() - keras.ops.convert_to_numpy(layer.kernel)
    assert np.linalg.matrix_rank(added, tol=1e-4) == 2


def test_functions_of_numpy_alone_are_not_trained_with(capsys):
    def by_name(x, W, A, B, scale):
        return np.dot(x, W) + scale * np.dot(np.dot(x, A), B)

    def by_sign(x, W, A, B, scale):
        return x @ W + (x @ A @ B) * scale

    assert lora.on_tensors(by_sign) is by_sign
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert lora.on_tensors(by_name) is lora.lora_product
    assert heard == []  # the sentence is all that is said
    assert "the lab's computes" in capsys.readouterr().out


def test_what_lora_cannot_do_is_named():
    with pytest.raises(ValueError, match="rank=0"):
        lora.LoRADense(3, rank=0)
    with pytest.raises(ValueError, match="dense layers"):
        lora.adapt(keras.Sequential([keras.Input((3,)), keras.layers.Flatten()]))
