"""Secure aggregation: a server adds up what clients send and sees none of it.

Each pair of clients agrees on a secret seed, one adds the stream of random numbers that grows from
it, the other subtracts the same. Modulo 2^32 each message alone is uniformly random, and in the sum
all streams cancel, exactly: this is why values travel as whole numbers (fixed point).

If a client drops out, the streams that it shared stay in the sum, which then is noise. So each
client has given the others shares of its key before: enough of them rebuild it, and with it the
streams. A server that lies, and calls a client dropped whose message it has, would so read that
message; a second mask of each client's own stands against it. Of a client the others reveal either
the key (it dropped out) or the seed of its own mask (it sent), never both.

What stays open: the sum itself, which differential privacy protects; a server that invents clients;
clients that send nonsense. The arithmetic here does not run in constant time: it is for learning.

Source: Bonawitz and others, Practical secure aggregation for privacy-preserving machine learning,
    CCS (2017).
Lesson: 26_privacy_and_security (the learner's own `pair_mask` runs in `send`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.datacenter.privacy.secret_sharing import Share, reveal, share

BITS = 16  # after the binary point
# Diffie-Hellman: group 14 of RFC 3526, 2^2048 - 2^1984 - 1 + 2^64 (floor(2^1918 pi) + 124476).
GENERATOR = 2
GROUP = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)

MODULUS = 2**32

# mask(number of the client, other client -> stream shared with it) -> whole numbers modulo 2^32
Mask = Callable[[int, Mapping[int, np.ndarray]], np.ndarray]

# --- numbers that wrap ----------------------------------------------------------------------------


def encode(values: ArrayLike, clients: int, bits: int = BITS) -> np.ndarray:
    """Return numbers in fixed point modulo 2^32: round(value x 2^bits), uint32.

    Args:
        values: any shape.
        clients: how many such numbers will be added: their sum must not wrap.
        bits: after the binary point; the error of a number is at most 2^-(bits + 1).

    Raises:
        ValueError: a number that is not finite, or too large for a sum of so many.

    >>> encode([0.5, -1 / 65536], clients=2).tolist()
    [32768, 4294967295]
    """
    values, limit = np.asarray(values, float), 2 ** (31 - bits) / clients
    if not (np.abs(values) < limit).all():
        raise ValueError(
            f"the sum of {clients} numbers with {bits} bits after the point wraps unless each is "
            f"below {limit:g}. Received: {np.abs(values).max():g}. Take fewer bits, or clip."
        )
    return np.rint(values * 2**bits).astype(np.int64).astype(np.uint32)


def decode(total: np.ndarray, bits: int = BITS) -> np.ndarray:
    """Return the numbers that uint32 stand for, the upper half of which are negative.

    >>> decode(encode([1.5, -2.25], 1) + encode([0.5, 1.0], 1)).tolist()
    [2.0, -1.25]
    """
    return total.astype(np.uint32).view(np.int32) / 2**bits


def stream(seed: bytes, items: int) -> np.ndarray:
    """Return numbers that look random to whoever lacks the seed: SHAKE256, 0 to 2^32 - 1, (items,).

    The same seed gives the same numbers: use each for one message only.

    >>> stream(b"a", 2).tolist(), stream(b"b", 2).tolist()
    ([2955705990, 3691272783], [1365473765, 1684184309])
    """
    return np.frombuffer(hashlib.shake_256(seed).digest(4 * items), "<u4").astype(np.int64)


def pair_mask(number: int, streams: Mapping[int, np.ndarray]) -> np.ndarray:
    """Return the mask of a client: plus the streams shared with later ones, minus the others.

    Args:
        number: of this client.
        streams: other client -> the stream that both know, int64 (items,).

    Returns:
        0 to 2^32 - 1, int64 (items,).

    >>> streams = {(0, 1): np.array([7]), (0, 2): np.array([50]), (1, 2): np.array([900])}
    >>> pair_mask(0, {1: streams[0, 1], 2: streams[0, 2]}).tolist()
    [57]
    >>> pair_mask(1, {0: streams[0, 1], 2: streams[1, 2]}).tolist()
    [893]
    >>> (57 + 893 + pair_mask(2, {0: streams[0, 2], 1: streams[1, 2]})) % MODULUS
    array([0])
    """
    signed = (each if number < other else -each for other, each in streams.items())
    return sum(signed) % MODULUS


# --- secrets --------------------------------------------------------------------------------------


class Client(NamedTuple):
    """What one client knows; of all this only `public` is known to others.

    Attributes:
        private, public: its keys.
        own: the seed of its own mask.
        seeds: other client -> the seed that both know.
    """

    private: int
    public: int
    own: int
    seeds: dict[int, bytes]


class Group(NamedTuple):
    """Clients that sum together, and the shares that they gave each other.

    Attributes:
        clients: in order of their numbers.
        threshold: how many must take part to the end.
        keys, owns: of each client the shares of its private key and of its own seed; the share at
            place j is held by client j.
    """

    clients: list[Client]
    threshold: int
    keys: list[list[Share]]
    owns: list[list[Share]]


def agree(private: int, public: int) -> bytes:
    """Return the seed that two clients share: each has it from its own private key (32 bytes).

    Source: Diffie and Hellman, New directions in cryptography (1976).

    >>> agree(5, pow(GENERATOR, 7, GROUP)) == agree(7, pow(GENERATOR, 5, GROUP))
    True
    """
    return hashlib.sha256(pow(public, private, GROUP).to_bytes(256)).digest()


def enroll(clients: int, threshold: int, seed: int | None = None) -> Group:
    """Return a new group. A key that was ever revealed is spent: enroll anew.

    Args:
        clients: how many.
        threshold: how many must take part to the end of a round, above half of them.
        seed: for results that repeat; None for secrets that are secret.

    Raises:
        ValueError: a threshold of half the clients or less: a lying server could ask one half for
            the key of a client and the other half for the seed of its own mask.
    """
    if not clients / 2 < threshold <= clients:
        raise ValueError(
            f"threshold must be above {clients / 2:g}, half of the clients, and at most {clients}. "
            f"Received: {threshold}"
        )
    below = secrets.randbelow if seed is None else Random(seed).randrange
    privates, owns = ([below(2**256) for _ in range(clients)] for _ in range(2))
    publics = [pow(GENERATOR, private, GROUP) for private in privates]
    members = [
        Client(private, publics[number], owns[number], _seeds(number, private, publics))
        for number, private in enumerate(privates)
    ]
    return Group(
        members,
        threshold,
        [share(private, clients, threshold, below) for private in privates],
        [share(own, clients, threshold, below) for own in owns],
    )


def _seeds(number: int, private: int, publics: Sequence[int]) -> dict[int, bytes]:
    """Return other client -> the seed that a client shares with it, by its private key."""
    others = (other for other in range(len(publics)) if other != number)
    return {other: agree(private, publics[other]) for other in others}


# --- a round --------------------------------------------------------------------------------------


def send(
    group: Group, number: int, values: ArrayLike, turn: int = 0, mask: Mask = pair_mask
) -> np.ndarray:
    """Return the message of a client: its values in fixed point, hidden, uint32 (items,).

    Args:
        group: whose sum it is.
        number: of the client.
        values: shape (items,).
        turn: the number of the round: each has streams of its own.
        mask: from the seeds shared with the others; what the learner wrote has its place here.
    """
    client, plain = group.clients[number], encode(values, len(group.clients))
    shared = np.asarray(mask(number, _streams(client.seeds, turn, len(plain))))
    hidden = plain + shared.astype(np.int64) + _own_stream(client.own, turn, len(plain))
    return (hidden % MODULUS).astype(np.uint32)


def finish(group: Group, messages: Mapping[int, np.ndarray], turn: int = 0) -> np.ndarray:
    """Return the sum of the values of all who sent, (items,): what the server does.

    The clients that sent reveal their shares: of the own seed of each that sent, and of the key of
    each that did not.

    Args:
        group: whose sum it is.
        messages: number of the client -> its message, of all that sent one.
        turn: the number of the round.

    Raises:
        ValueError: fewer messages than the threshold.
    """
    if len(messages) < group.threshold:
        raise ValueError(
            f"{group.threshold} clients must send, so that their shares rebuild what is missing. "
            f"Received: {len(messages)} messages"
        )
    helpers = sorted(messages)[: group.threshold]
    total = np.sum(list(messages.values()), axis=0, dtype=np.int64)
    for number, shares in enumerate(group.owns):
        if number in messages:
            own = reveal([shares[helper] for helper in helpers])
            total -= _own_stream(own, turn, len(total))
        else:
            total += _missing(group, number, helpers, messages, turn, len(total))
    return decode(total % MODULUS)


def _missing(group, number, helpers, messages, turn, items) -> np.ndarray:
    """Return the mask of a client that dropped out, as far as those who sent share it."""
    key = reveal([group.keys[number][helper] for helper in helpers])
    seeds = _seeds(number, key, [each.public for each in group.clients])
    return pair_mask(number, _streams({other: seeds[other] for other in messages}, turn, items))


def _streams(seeds: Mapping[int, bytes], turn: int, items: int) -> dict[int, np.ndarray]:
    return {other: stream(seed + turn.to_bytes(8), items) for other, seed in seeds.items()}


def _own_stream(own: int, turn: int, items: int) -> np.ndarray:
    """Return the stream of a client's own seed; a wrong one, from too few shares, has any size."""
    return stream(own.to_bytes(66) + turn.to_bytes(8), items)
