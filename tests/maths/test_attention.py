"""Attention, heads, normalization and positions against hand values, loops and Keras."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from labkit.maths import attention as a
from labkit.maths.activations import softmax


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def random_heads(rng, width=6, heads=2, d=4):
    shapes = [(width, heads, d), (heads, d)] * 3 + [(heads, d, width), (width,)]
    return a.HeadWeights(*(rng.normal(size=shape) for shape in shapes))


def random_mask(rng, *shape):
    mask = rng.random(shape) < 0.6
    mask[..., 0, :] = False  # one query may see nothing
    return mask


# --- softmax ------------------------------------------------------------------------------------


def test_temperature_one_is_the_softmax(rng):
    logits = rng.normal(0, 5, (4, 7))
    assert_allclose(a.softmax_at(logits), softmax(logits), atol=1e-15)


def test_temperature_sharpens_below_one_and_flattens_above(rng):
    logits = rng.normal(size=9)
    largest = [a.softmax_at(logits, t).max() for t in (0, 0.1, 0.5, 1, 2, 10, 1e9)]
    assert largest[0] == 1
    assert (np.diff(largest) < 0).all()
    assert_allclose(largest[-1], 1 / 9, atol=1e-6)


@pytest.mark.parametrize("temperature", [0, 1e-308, 1e-3, 1e3, np.inf])
def test_every_temperature_gives_probabilities(temperature):
    p = a.softmax_at([1000.0, -1000.0, 999.0, 0.0], temperature)
    assert_allclose(p.sum(), 1)
    assert (p >= 0).all()


@pytest.mark.parametrize("temperature", [-0.1, float("nan")])
def test_bad_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        a.softmax_at([0.0, 1.0], temperature)


def test_masked_softmax_is_the_softmax_of_what_is_allowed(rng):
    scores, mask = rng.normal(0, 30, (6, 5)), rng.random((6, 5)) < 0.5
    for row, allowed, p in zip(scores, mask, a.masked_softmax(scores, mask), strict=True):
        assert (p[~allowed] == 0).all()
        if allowed.any():
            assert_allclose(p[allowed], softmax(row[allowed]), atol=1e-15)


def test_huge_forbidden_scores_do_no_harm():
    assert a.masked_softmax([[1e300, 0.0, 0.0]], [[False, True, True]]).tolist() == [[0, 0.5, 0.5]]
    assert a.masked_softmax([[1.0, 2.0]], [[False, False]]).tolist() == [[0, 0]]


# --- attention ----------------------------------------------------------------------------------


def test_attention_is_what_its_formula_says_place_by_place(rng):
    q, k, v = (rng.normal(size=shape) for shape in ((3, 4), (5, 4), (5, 2)))
    mask = random_mask(rng, 3, 5)
    output, weights = a.attention(q, k, v, mask)
    for i in range(3):
        parts = [np.exp(q[i] @ k[j] / 2) if mask[i, j] else 0.0 for j in range(5)]
        share = np.array(parts) / (sum(parts) or 1)
        assert_allclose(weights[i], share, atol=1e-12)
        assert_allclose(output[i], sum(share[j] * v[j] for j in range(5)), atol=1e-12)


def test_nothing_after_a_place_reaches_it_under_the_causal_mask(rng):
    x = rng.normal(size=(6, 4))
    before = a.attention(x, x, x, a.causal_mask(6))[0]
    x[4:] += 100
    after = a.attention(x, x, x, a.causal_mask(6))[0]
    assert (before[:4] == after[:4]).all()
    assert (before[4:] != after[4:]).any(axis=1).all()


def test_filling_has_no_influence_under_the_padding_mask(rng):
    x = rng.normal(size=(2, 5, 4))
    mask = a.padding_mask([3, 5], size=5)
    before = a.attention(x, x, x, mask)[0]
    x[0, 3:] = 1e6
    after = a.attention(x, x, x, mask)[0]
    assert_allclose(before[0, :3], after[0, :3])
    assert_allclose(before[1], after[1])


def test_without_positions_attention_knows_no_order(rng):
    x, heads, mix = rng.normal(size=(7, 6)), random_heads(rng), rng.permutation(7)
    mixed = a.multi_head_attention(x[mix], x[mix], heads)[0]
    assert_allclose(mixed, a.multi_head_attention(x, x, heads)[0][mix], atol=1e-12)
    placed = x + a.sinusoidal_positions(7, 6)
    again = x[mix] + a.sinusoidal_positions(7, 6)
    mixed = a.multi_head_attention(again, again, heads)[0]
    assert abs(mixed - a.multi_head_attention(placed, placed, heads)[0][mix]).max() > 0.1


def test_variance_of_a_dot_product_is_the_width(rng):
    for d in (4, 64, 256):
        scores = (rng.normal(size=(20_000, d)) * rng.normal(size=(20_000, d))).sum(axis=1)
        assert_allclose(scores.var(), d, rtol=0.1)  # 20,000 draws: a standard error of 2 %


def test_numbers_of_32_bits_stay_of_32_bits(rng):
    x, heads = rng.normal(size=(5, 6)).astype("f4"), random_heads(rng)
    heads = a.HeadWeights(*(array.astype("f4") for array in heads))
    output, weights = a.multi_head_attention(x, x, heads, a.causal_mask(5))
    normalized = a.layer_normalization(x, np.ones(6, "f4"), np.zeros(6, "f4"))
    assert {output.dtype, weights.dtype, normalized.dtype} == {np.dtype("f4")}


def test_axes_in_front_are_a_batch(rng):
    x, heads = rng.normal(size=(2, 3, 5, 6)), random_heads(rng)
    mask = random_mask(rng, 2, 3, 5, 5)
    output, weights = a.multi_head_attention(x, x, heads, mask)
    one, its_weights = a.multi_head_attention(x[1, 2], x[1, 2], heads, mask[1, 2])
    assert_allclose(output[1, 2], one)
    assert_allclose(weights[1, 2], its_weights)


# --- positions, parameters ----------------------------------------------------------------------


def test_a_shift_is_the_same_rotation_everywhere():
    table = a.sinusoidal_positions(50, 16)
    likeness = table @ table.T
    for distance in (0, 1, 7, 20):
        assert_allclose(np.diagonal(likeness, distance), likeness[0, distance], atol=1e-9)
    assert_allclose(np.diagonal(likeness), 8)  # a sine and a cosine for each of 8 speeds


def test_published_sizes_come_out():
    assert a.gpt_parameters(96, 12288, 50257, 2048) == 174_604_259_328  # GPT-3, "175 B"
    assert a.gpt_parameters(48, 1600, 50257, 1024) == 1_557_611_200  # GPT-2 XL, "1.5 B"
    assert a.bert_parameters(24, 1024) == 335_141_888  # BERT-large
    assert a.block_parameters(64) == 12 * 64**2 + 13 * 64


# --- bad input ----------------------------------------------------------------------------------


def ones(*shape):
    return np.ones(shape)


BAD = {
    r"\(2, 3\).*\(4, 5\)": lambda: a.attention(ones(2, 3), ones(4, 5), ones(4, 1)),
    "4 keys.*5 values": lambda: a.attention(ones(2, 3), ones(4, 3), ones(5, 1)),
    r"query has shape \(3,\)": lambda: a.attention(ones(3), ones(4, 3), ones(4, 1)),
    r"gamma has shape \(2,\)": lambda: a.layer_normalization(ones(2, 3), ones(2), ones(3)),
    "even.*got 3": lambda: a.sinusoidal_positions(4, 3),
    "size=5; got .6": lambda: a.padding_mask([6], size=5),
    r"query has shape \(2, 5\).*6": lambda: a.multi_head_attention(
        ones(2, 5), ones(2, 5), random_heads(np.random.default_rng(0))
    ),
}


@pytest.mark.parametrize("told", BAD)
def test_shapes_that_do_not_fit_are_told(told):
    with pytest.raises(ValueError, match=told):
        BAD[told]()


def test_text_is_no_number():
    with pytest.raises(TypeError, match="real numbers"):
        a.softmax_at(["a", "b"])


# --- Keras --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_heads_equal_keras_with_masks(seed):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(seed)
    width, heads, queries, keys = 12, [1, 2, 3, 4, 6][seed], *rng.integers(2, 9, 2)
    query = rng.normal(size=(3, queries, width)).astype("f4")
    value = rng.normal(size=(3, keys, width)).astype("f4")
    mask = random_mask(rng, 3, queries, keys)
    mask[..., 0, 0] = True  # older Keras spreads the weights where nothing is allowed
    layer = keras.layers.MultiHeadAttention(heads, width // heads, bias_initializer="uniform")
    theirs = layer(query, value, attention_mask=mask, return_attention_scores=True)
    ours = a.multi_head_attention(query, value, a.HeadWeights(*layer.get_weights()), mask)
    for mine, other in zip(ours, theirs, strict=True):
        assert_allclose(mine, keras.ops.convert_to_numpy(other), atol=1e-5)


@pytest.mark.slow
def test_masks_equal_those_of_keras():
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 8)).astype("f4")
    layer = keras.layers.MultiHeadAttention(2, 4)
    theirs = keras.ops.convert_to_numpy(layer(x, x, use_causal_mask=True))
    heads = a.HeadWeights(*layer.get_weights())
    ours = a.multi_head_attention(x, x, heads, a.causal_mask(6))[0]
    assert_allclose(ours, theirs, atol=1e-5)
    real = a.padding_mask([4, 6], size=6)  # as a Masking layer in front would set it
    theirs = layer(x, x, value_mask=real[:, 0])
    ours = a.multi_head_attention(x, x, heads, real)[0]
    assert_allclose(ours, keras.ops.convert_to_numpy(theirs), atol=1e-5)


@pytest.mark.slow
def test_layer_normalization_equals_keras():
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(3, 10, (4, 5, 6)).astype("f4")
    layer = keras.layers.LayerNormalization(gamma_initializer="uniform", beta_initializer="uniform")
    theirs = keras.ops.convert_to_numpy(layer(x))
    assert_allclose(a.layer_normalization(x, *layer.get_weights()), theirs, atol=1e-5)
