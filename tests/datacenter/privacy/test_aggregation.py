"""Secure aggregation: masks that cancel exactly, what the server sees, and who may drop out."""

import hashlib
import itertools

import numpy as np
import pytest

from labkit.datacenter.privacy import aggregation
from labkit.datacenter.privacy.aggregation import (
    agree,
    decode,
    encode,
    enroll,
    finish,
    pair_mask,
    send,
    stream,
)
from labkit.datacenter.privacy.secret_sharing import reveal

ITEMS = 4000


@pytest.fixture(scope="module")
def group():
    return enroll(5, threshold=3, seed=0)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(5, ITEMS))


@pytest.fixture(scope="module")
def messages(group, values):
    return {number: send(group, number, each) for number, each in enumerate(values)}


def exact_sum(values, numbers):
    """In whole numbers of Python, which never wrap."""
    return [
        sum(round(values[number, item] * 65536) for number in numbers) / 65536
        for item in range(ITEMS)
    ]


def looks_random(numbers):
    """Whether 16 equal bins of 32 bits are equally full, and neighbors do not tell each other."""
    bins = np.bincount(numbers >> 28, minlength=16)
    chi_square = ((bins - len(numbers) / 16) ** 2).sum() / (len(numbers) / 16)
    return chi_square < 45  # 15 degrees of freedom: one in 10,000


# --- fixed point ----------------------------------------------------------------------------------


def test_fixed_point_is_right_to_half_a_step_and_sums_exactly(values):
    encoded = encode(values, 5)
    assert np.abs(decode(encoded) - values).max() <= 2**-17
    total = encoded.sum(axis=0, dtype=np.uint32)
    assert decode(total).tolist() == exact_sum(values, range(5))
    assert (total == encoded[[3, 1, 4, 0, 2]].sum(axis=0, dtype=np.uint32)).all()


def test_a_sum_that_would_wrap_is_refused():
    assert decode(2 * encode(16383.9, 2)) == pytest.approx(32767.8, abs=1e-4)
    with pytest.raises(ValueError, match=r"below 16384. Received: 16384"):
        encode(-16384.0, 2)
    with pytest.raises(ValueError, match="nan"):
        encode([1.0, np.nan], 2)


# --- masks ----------------------------------------------------------------------------------------


def test_the_stream_is_shake256():
    raw = hashlib.shake_256(b"seed").digest(40)
    expected = [int.from_bytes(raw[at : at + 4], "little") for at in range(0, 40, 4)]
    assert stream(b"seed", 10).tolist() == expected


@pytest.mark.parametrize("clients", [2, 3, 9])
def test_masks_cancel_exactly(clients):
    every = range(clients)
    pairs = {pair: stream(str(pair).encode(), ITEMS) for pair in itertools.combinations(every, 2)}
    masks = [pair_mask(n, {o: pairs[min(n, o), max(n, o)] for o in every if o != n}) for n in every]
    assert (np.sum(masks, axis=0) % 2**32).tolist() == [0] * ITEMS
    for few in range(1, clients):
        assert looks_random(np.sum(masks[:few], axis=0) % 2**32)


def test_both_ends_agree_on_a_seed_and_no_two_pairs_on_the_same(group):
    seeds = {}
    for one, other in itertools.combinations(range(5), 2):
        assert group.clients[one].seeds[other] == group.clients[other].seeds[one]
        seeds[one, other] = group.clients[one].seeds[other]
    assert len(set(seeds.values())) == 10


def test_the_prime_is_the_one_of_rfc_3526():
    """2^2048 - 2^1984 - 1 + 2^64 (floor(2^1918 pi) + 124476), with pi by Machin's formula."""

    def arctan(inverse, one):
        total, power, odd = 0, one // inverse, 1
        while power:
            total += power // odd if odd % 4 == 1 else -(power // odd)
            power, odd = power // inverse**2, odd + 2
        return total

    one = 2 ** (1918 + 64)
    pi = 4 * (4 * arctan(5, one) - arctan(239, one)) >> 64
    expected = 2**2048 - 2**1984 - 1 + 2**64 * (pi + 124476)
    assert expected == aggregation.GROUP


# --- rounds ---------------------------------------------------------------------------------------


def test_the_server_learns_the_sum_exactly_and_sees_only_noise(group, values, messages):
    assert finish(group, messages).tolist() == exact_sum(values, range(5))
    for number, message in messages.items():
        assert looks_random(message)
        assert abs(np.corrcoef(decode(message), values[number])[0, 1]) < 0.08  # 5 / sqrt(4000)


@pytest.mark.parametrize("gone", [[2], [0, 4]])
def test_who_drops_out_is_left_out_and_nothing_else_changes(group, values, messages, gone):
    came = {number: each for number, each in messages.items() if number not in gone}
    assert finish(group, came).tolist() == exact_sum(values, came)
    naive = np.sum(list(came.values()), axis=0, dtype=np.uint32)
    assert looks_random(naive)  # without the shares


def test_too_few_who_came_are_refused(group, messages):
    with pytest.raises(ValueError, match=r"3 clients must send.*Received: 2"):
        finish(group, {0: messages[0], 1: messages[1]})


def test_a_server_that_calls_a_client_dropped_still_cannot_read_its_message(group, messages):
    """The key alone leaves the client's own mask; the own seed alone leaves those of the pairs."""
    key = reveal(group.keys[1][:3])
    assert key == group.clients[1].private
    seeds = {
        other: agree(key, client.public) for other, client in enumerate(group.clients) if other != 1
    }
    assert seeds == group.clients[1].seeds
    without_pairs = messages[1] - pair_mask(1, aggregation._streams(seeds, 0, ITEMS))
    assert looks_random(without_pairs % 2**32)
    own = aggregation._own_stream(reveal(group.owns[1][:3]), 0, ITEMS)
    assert looks_random((messages[1] - own) % 2**32)
    both = decode((without_pairs - own) % 2**32)  # what a threshold of half or less would give away
    assert np.abs(both).max() < 6


def test_a_stream_used_twice_gives_the_difference_away(group, values):
    later = values + 0.5
    same, fresh = (
        (send(group, 0, later[0], turn) - send(group, 0, values[0], 0)) for turn in (0, 1)
    )
    np.testing.assert_allclose(decode(same), 0.5, atol=2**-15)
    assert looks_random(fresh)
    own = (aggregation._own_stream(group.clients[0].own, turn, ITEMS) for turn in (1, 0))
    assert looks_random((fresh - np.subtract(*own)) % 2**32)  # the pairs' streams are new as well


def test_a_threshold_of_half_is_refused():
    with pytest.raises(ValueError, match=r"above 2, half.*Received: 2"):
        enroll(4, threshold=2)


def test_a_group_repeats_only_with_a_seed():
    assert enroll(3, 2, seed=1) == enroll(3, 2, seed=1) != enroll(3, 2, seed=2)
    assert enroll(3, 2) != enroll(3, 2)


def test_a_mask_that_does_not_cancel_spoils_the_average(group, values):
    def wrong(number, streams):
        return sum(streams.values())

    messages = {n: send(group, n, each, mask=wrong) for n, each in enumerate(values)}
    assert looks_random((finish(group, messages) * 65536).astype(np.int64).astype(np.uint32))
