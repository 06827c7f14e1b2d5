"""The small transformer, its NumPy twin, and what it writes with and without cache."""

import numpy as np
import pytest

from labkit.maths.attention import gpt_parameters
from labkit.networks import transformer as t

SMALL = {"vocabulary": 20, "context": 16, "width": 12, "layers": 2, "heads": 3}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("keras")
    model = t.small_transformer(**SMALL, seed=0)
    rng = np.random.default_rng(0)  # weights of some size, so that no part of it stays silent
    model.set_weights([rng.normal(0, 0.5, each.shape) for each in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def decoder(model):
    return t.Decoder(model)


@pytest.fixture
def codes():
    return np.random.default_rng(1).integers(0, 20, 16)


def scores(model, codes):
    from keras import ops

    return ops.convert_to_numpy(model(np.asarray(codes, "int32")[None]))[0]


def test_parameters_are_those_of_the_formula(model):
    sizes = {name: SMALL[name] for name in ("vocabulary", "context", "width", "layers")}
    assert model.count_params() == gpt_parameters(**sizes, tied=False)


def test_numpy_and_keras_give_the_same_scores(model, decoder, codes):
    for length in (1, 7, 16):
        logits, weights = decoder.read(codes[:length])
        np.testing.assert_allclose(logits, scores(model, codes[:length]), atol=1e-5)
        assert weights.shape == (2, 3, length, length)
        np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_no_score_depends_on_what_comes_later(model, codes):
    changed = codes.copy()
    changed[10:] = (changed[10:] + 1) % 20
    before, after = scores(model, codes), scores(model, changed)
    np.testing.assert_allclose(before[:10], after[:10], atol=1e-6)
    assert (abs(before[10:] - after[10:]) > 1e-3).any(axis=1).all()


def test_order_counts(model, codes):
    """The same characters before the last one in another order: another prediction."""
    mixed = np.concatenate([codes[:15][::-1], codes[15:]])
    assert abs(scores(model, codes)[-1] - scores(model, mixed)[-1]).max() > 1e-3


def test_reading_piece_by_piece_equals_reading_at_once(decoder, codes):
    whole, looks = decoder.read(codes)
    cache = decoder.new_cache()
    parts = [decoder.read(part, cache) for part in np.split(codes, [1, 2, 9])]
    np.testing.assert_allclose(np.concatenate([logits for logits, _ in parts]), whole, atol=1e-12)
    np.testing.assert_allclose(parts[-1][1], looks[:, :, 9:], atol=1e-12)
    assert cache.length == 16
    assert cache.numbers == 2 * 2 * 16 * 12


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
    from labkit.maths.attention import softmax_at

    p = softmax_at(decoder.read([1, 2])[0][-1], 1.5)
    drawn = [t.generate(decoder, [1, 2], 1, 1.5, seed)[0] for seed in range(400)]
    found = np.bincount(drawn, minlength=20) / 400
    assert abs(found - p).max() < 4 * 0.5 / 400**0.5  # four standard errors, at their largest


def test_only_the_end_of_a_long_prompt_counts(decoder):
    long = np.random.default_rng(0).integers(0, 20, 50)
    assert (t.generate(decoder, long, 5) == t.generate(decoder, long[-16:], 5)).all()
    with pytest.raises(ValueError, match="prompt is empty"):
        t.generate(decoder, [], 5)


def test_place_losses_are_the_cross_entropy(model, codes):
    import keras

    x, y = codes[None, :15].astype("int32"), codes[None, 1:]
    each = t.place_losses(model, x, y)
    wanted = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, model(x))
    assert each.shape == (1, 15)
    np.testing.assert_allclose(each.mean(), float(wanted), rtol=1e-5)


def test_equal_seeds_train_to_equal_bits_and_learn():
    import keras

    from labkit.networks.training import fit

    rng = np.random.default_rng(0)
    x = np.cumsum(rng.integers(1, 3, (256, 8)), axis=1).astype("int32") % 20
    y = (x + 1) % 20  # the next character follows from the last one

    def train():
        model = t.small_transformer(**SMALL | {"layers": 1}, dropout=0.1, seed=3)
        schedule = t.warmup_cosine(0.01, steps=160)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=keras.optimizers.Adam(schedule), loss=loss)
        history = fit(model, x, y, epochs=10, batch_size=16, seed=3, verbose=0)
        return history.history["loss"], model.get_weights()

    (first, weights), (again, same) = train(), train()
    assert first == again
    assert all((a == b).all() for a, b in zip(weights, same, strict=True))
    assert first[-1] < 0.5 < 2 < first[0]


def test_the_seed_decides_the_starting_weights(model):
    starts = [t.small_transformer(**SMALL, seed=seed).get_weights() for seed in (0, 0, 1)]
    assert all((a == b).all() for a, b in zip(*starts[:2], strict=True))
    assert any((a != b).any() for a, b in zip(*starts[1:], strict=True))


def test_the_schedule_rises_and_falls():
    schedule = t.warmup_cosine(0.01, steps=200)
    rates = [float(schedule(step)) for step in (0, 10, 100, 200)]
    assert rates[0] < rates[1] / 10
    assert rates[1] == pytest.approx(0.01, rel=1e-3)
    assert rates[1] > rates[2] > rates[3]
    assert rates[3] <= 0.01 * 0.03


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"heads": 5}, "width=12, heads=5"),
        ({"layers": 0}, "layers=0"),
        ({"context": 2.5}, "context=2.5"),
        ({"dropout": 1}, "dropout=1"),
    ],
)
def test_impossible_sizes_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        t.small_transformer(**SMALL | change)
