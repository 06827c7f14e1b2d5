"""Texts written in slots: the same as alone and as lesson 14's decoder, and the useful share."""

import numpy as np
import pytest

from labkit.datacenter.serving import generation
from labkit.datacenter.steps import Line
from labkit.maths import attention as maths

SMALL = {"vocabulary": 20, "context": 16, "width": 12, "layers": 2, "heads": 3}


@pytest.fixture
def weights():
    return generation.random_weights(seed=1, dtype="float64", **SMALL)


def alone(weights, code, length):
    writer = generation.Writer(weights, 1)
    writer.begin(0, code)
    for _ in range(length):
        writer.step([0])
    return writer.text(0)


def test_a_text_does_not_depend_on_who_sits_beside_it_nor_on_who_sat_there_before(weights):
    writer = generation.Writer(weights, 3)
    for slot, code in enumerate((3, 7, 11)):
        writer.begin(slot, code)
    for _ in range(5):
        writer.step([0, 1, 2])
    assert writer.text(1) == alone(weights, 7, 5)
    writer.begin(1, 4)  # in the middle of the others, in a slot full of another text
    for _ in range(8):
        writer.step([2, 0, 1])
    writer.step([1])
    assert writer.text(0) == alone(weights, 3, 13)
    assert writer.text(1) == alone(weights, 4, 9)
    assert writer.steps == 14
    assert writer.seconds > 0
    assert len(set(map(tuple, (writer.text(slot)[:8] for slot in range(3))))) == 3


def test_a_full_context_is_told(weights):
    with pytest.raises(ValueError, match="at most 16 characters"):
        alone(weights, 0, 17)


def test_heads_that_cannot_share_the_width_are_told():
    with pytest.raises(ValueError, match="width=10, heads=4"):
        generation.random_weights(width=10, heads=4)


def test_the_cache_holds_the_bytes_of_the_formula(weights):
    writer = generation.Writer(weights, 5)
    held = writer.keys.nbytes + writer.values.nbytes
    assert held == 5 * generation.cache_bytes(layers=2, width=12, characters=16, bytes_a_number=8)


def test_a_step_for_many_costs_less_than_many_steps():
    found, line = generation.measure_steps(generation.random_weights(), (1, 2, 16), seconds=0.3)
    assert list(found) == [1, 2, 16]
    assert line.seconds(16) == pytest.approx(found[16])
    assert found[16] < 5 * found[2]  # idle, it is 2


@pytest.mark.parametrize("slots", [1, 2, 8, 32])
def test_the_useful_share_is_that_of_drawn_batches(slots):
    rng = np.random.default_rng(0)
    lengths = np.minimum(rng.geometric(1 / 30, 500), 180)
    longest = rng.choice(lengths, (20_000, slots)).max(axis=1)
    expected = lengths.mean() / longest.mean()
    assert generation.useful_share(lengths, slots) == pytest.approx(expected, rel=0.02)


def test_exponential_lengths_give_one_over_the_harmonic_number():
    rng = np.random.default_rng(0)
    for slots in (2, 8, 32):
        longest = rng.exponential(size=(50_000, slots)).max(axis=1)
        assert generation.harmonic_share(slots) == pytest.approx(1 / longest.mean(), rel=0.02)
    lengths = rng.geometric(1 / 200, 50_000)
    assert generation.useful_share(lengths, 8) == pytest.approx(
        generation.harmonic_share(8), rel=0.03
    )


def test_a_modeled_writer_takes_the_seconds_of_the_line():
    writer = generation.ModeledWriter(Line(2.0, 0.5))
    for slots in ([0], [0, 1, 2], [4, 1]):
        writer.begin(slots[0], 3)
        writer.step(slots)
    assert (writer.seconds, writer.steps, writer.text(0)) == (9.0, 3, [])


def weights_of(arrays):
    """Return the weights of the network of lesson 14 as a writer takes them."""
    tokens, positions, *rest = arrays
    parts = [rest[n : n + 16] for n in range(0, len(rest) - 4, 16)]
    blocks = [
        generation.Block(
            tuple(part[:2]),
            *_flat(maths.HeadWeights(*part[2:10])),
            *(tuple(part[n : n + 2]) for n in (10, 12, 14)),
        )
        for part in parts
    ]
    heads = parts[0][2].shape[1]
    ends = tuple(rest[-4:-2]), tuple(rest[-2:])
    return generation.Weights(heads, tokens, positions, tuple(blocks), *ends)


def _flat(head):
    """Return (kernel, bias) of queries, keys and values in one product, and of the way out."""
    width = len(head.query_kernel)
    kernels = head.query_kernel, head.key_kernel, head.value_kernel
    biases = head.query_bias, head.key_bias, head.value_bias
    qkv = np.concatenate([each.reshape(width, -1) for each in kernels], axis=1)
    out = head.output_kernel.reshape(-1, width)
    return (qkv, np.concatenate([each.ravel() for each in biases])), (out, head.output_bias)


def test_it_writes_what_the_decoder_of_lesson_14_writes(monkeypatch):
    from labkit.networks import transformer

    monkeypatch.setattr(transformer, "EPSILON", generation.EPSILON)
    arrays = transformer.random_weights(**SMALL)
    decoder, weights = transformer.Decoder(arrays), weights_of(arrays)
    writer = generation.Writer(weights, 2)
    for slot, code in enumerate((3, 5)):
        writer.begin(slot, code)
    np.testing.assert_allclose(
        writer.scores(np.array([1, 0])),
        [decoder.read([5])[0][-1], decoder.read([3])[0][-1]],
        atol=1e-10,
    )
    for code in (3, 5):
        text = [code]
        for _ in range(16):
            text.append(int(decoder.read(text)[0][-1].argmax()))  # without a cache
        assert alone(weights, code, 16) == text[1:]
