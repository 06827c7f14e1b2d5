"""The small transformer, its NumPy twin, and what it writes with and without cache."""

import numpy as np
import pytest

from labkit.maths.attention import gpt_parameters, softmax_at
from labkit.networks import transformer as t

SMALL = {"vocabulary": 20, "context": 16, "width": 12, "layers": 2, "heads": 3}


@pytest.fixture(scope="module")
def decoder():
    return t.Decoder(t.random_weights(**SMALL))


@pytest.fixture
def codes():
    return np.random.default_rng(1).integers(0, 20, 16)


def keras_model():
    """Return the network as the lesson builds it, with the weights of the decoder."""
    import keras
    from keras import layers

    class Positions(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=shape[-2:])

        def call(self, x):
            return x + self.table

    tokens = keras.Input((SMALL["context"],), dtype="int32")
    x = Positions()(layers.Embedding(SMALL["vocabulary"], SMALL["width"])(tokens))
    for _ in range(SMALL["layers"]):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(3, 4)(y, y, use_causal_mask=True)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(12)(layers.Dense(48, activation="gelu")(y))
    scores = layers.Dense(SMALL["vocabulary"])(layers.LayerNormalization()(x))
    model = keras.Model(tokens, scores)
    model.set_weights(t.random_weights(**SMALL))
    return model


@pytest.mark.slow
def test_numpy_and_keras_give_the_same_scores_and_losses(decoder, codes):
    keras = pytest.importorskip("keras")
    model = keras_model()
    sizes = {name: SMALL[name] for name in ("vocabulary", "context", "width", "layers")}
    assert model.count_params() == gpt_parameters(**sizes, tied=False)
    told = keras.ops.convert_to_numpy(model(codes[None].astype("int32")))[0]
    logits, weights = decoder.read(codes)
    np.testing.assert_allclose(logits, told, atol=1e-4)
    assert weights.shape == (2, 3, 16, 16)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    x, y = codes[None].astype("int32"), np.roll(codes, -1)[None]
    each = t.place_losses(model, x, y)
    wanted = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, told[None])
    assert each.shape == (1, 16)
    np.testing.assert_allclose(each.mean(), float(wanted), rtol=1e-5)


def test_no_score_depends_on_what_comes_later(decoder, codes):
    changed = codes.copy()
    changed[10:] = (changed[10:] + 1) % 20
    before, after = decoder.read(codes)[0], decoder.read(changed)[0]
    np.testing.assert_allclose(before[:10], after[:10], atol=1e-12)
    assert (abs(before[10:] - after[10:]) > 1e-3).any(axis=1).all()


def test_order_counts(decoder, codes):
    """The same characters before the last one in another order: another prediction."""
    mixed = np.concatenate([codes[:15][::-1], codes[15:]])
    assert abs(decoder.read(codes)[0][-1] - decoder.read(mixed)[0][-1]).max() > 1e-3


def test_a_learners_attention_gives_the_same_scores_and_weights(decoder, codes):
    """It knows no mask and no heads; it gets the places that may be seen, head by head."""
    calls = []

    def attention(Q, K, V):
        calls.append((Q.shape, K.shape, V.shape))
        parts = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
        return parts / parts.sum(axis=1, keepdims=True) @ V

    theirs = t.Decoder(t.random_weights(**SMALL), attention)
    for mine, wanted in zip(theirs.read(codes), decoder.read(codes), strict=True):
        np.testing.assert_allclose(mine, wanted, atol=1e-10)
    assert len(calls) == 2 * 3 * 16
    assert calls[4] == ((1, 4), (5, 4), (5, 9))
    drawn = [t.generate(each, codes[:3], 30, 1.0, seed=1).tolist() for each in (theirs, decoder)]
    assert drawn[0] == drawn[1]


def test_reading_piece_by_piece_equals_reading_at_once(decoder, codes):
    whole, looks = decoder.read(codes)
    cache = decoder.new_cache()
    parts = [decoder.read(part, cache) for part in np.split(codes, [1, 2, 9])]
    np.testing.assert_allclose(np.concatenate([logits for logits, _ in parts]), whole, atol=1e-12)
    np.testing.assert_allclose(parts[-1][1], looks[:, :, 9:], atol=1e-12)
    assert cache.length == 16


def test_a_full_context_is_told(decoder, codes):
    cache = decoder.new_cache()
    decoder.read(codes, cache)
    with pytest.raises(ValueError, match="1 to 16 characters; got 1 new ones after 16"):
        decoder.read([1], cache)
    with pytest.raises(ValueError, match="got 0 new ones"):
        decoder.read([])


@pytest.mark.parametrize("temperature", [0, 0.7, 1.5])
def test_cache_changes_no_character_also_beyond_the_context(decoder, temperature):
    with_cache, without = (
        t.generate(decoder, [3, 1], 60, temperature, seed=5, use_cache=use) for use in (True, False)
    )
    assert with_cache.tolist() == without.tolist()
    assert len(with_cache) == 60


def test_draws_follow_the_seed_and_greedy_needs_none(decoder):
    drawn = [t.generate(decoder, [1], 30, 1.0, seed).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    greedy = [t.generate(decoder, [1], 30, 0, seed).tolist() for seed in (0, 1)]
    assert greedy[0] == greedy[1]
    assert greedy[0][0] == decoder.read([1])[0][-1].argmax()


def test_characters_come_as_often_as_their_probability(decoder):
    p = softmax_at(decoder.read([1, 2])[0][-1], 1.5)
    drawn = [t.generate(decoder, [1, 2], 1, 1.5, seed)[0] for seed in range(400)]
    found = np.bincount(drawn, minlength=20) / 400
    assert abs(found - p).max() < 4 * 0.5 / 400**0.5  # four standard errors, at their largest


def test_only_the_end_of_a_long_prompt_counts(decoder):
    long = np.random.default_rng(0).integers(0, 20, 50)
    assert (t.generate(decoder, long, 5) == t.generate(decoder, long[-16:], 5)).all()
    with pytest.raises(ValueError, match="prompt is empty"):
        t.generate(decoder, [], 5)


def test_steps_say_what_was_seen_when_a_character_was_drawn(decoder):
    steps = list(t.write(decoder, [1, 2], 20, 1.0, seed=0))
    text = [1, 2, *(step.code for step in steps)]
    for place, step in enumerate(steps, start=2):
        logits, looks = decoder.read(text[step.start : place])
        np.testing.assert_allclose(step.looks, looks[:, :, -1], atol=1e-10)
        np.testing.assert_allclose(step.probability, softmax_at(logits[-1]), atol=1e-10)
    assert {step.start for step in steps} == {0, 9}  # once full, the older half is forgotten


@pytest.mark.parametrize("count", [6, 21, 23, 37])
def test_weights_of_another_network_are_refused(count):
    with pytest.raises(ValueError, match=f"got {count} arrays. Was it built with positions"):
        t.Decoder(t.random_weights(layers=3)[:count])


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match="width=12, heads=5"):
        t.random_weights(**SMALL | {"heads": 5})
