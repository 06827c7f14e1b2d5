"""Shamir's secret sharing: any few of the shares give a secret back, fewer tell nothing.

Source: Shamir, How to share a secret, Communications of the ACM (1979).
Lesson: 26_privacy_and_security (a client that drops out of a secure sum).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

PRIME = 2**521 - 1  # of the field in which secrets are shared


class Share(NamedTuple):
    """A point on the secret polynomial; the secret is its value at 0."""

    x: int
    y: int


def share(
    secret: int,
    holders: int,
    threshold: int,
    below: Callable[[int], int] = secrets.randbelow,
    prime: int = PRIME,
) -> list[Share]:
    """Return shares of a secret, one for each holder; any `threshold` of them give it back.

    They are points of a random polynomial of degree threshold - 1 that is the secret at 0. Fewer of
    them fit every secret equally well.

    Args:
        secret: 0 to prime - 1.
        holders: how many shares, below the prime.
        threshold: how many are enough, 1 to holders.
        below: below(n) returns a random whole number under n.
        prime: of the field.

    Raises:
        ValueError: a threshold or a secret out of range.

    >>> shares = share(1234, holders=5, threshold=3)
    >>> reveal(shares[:3]), reveal(shares[2:])
    (1234, 1234)
    """
    if not 1 <= threshold <= holders < prime or not 0 <= secret < prime:
        raise ValueError(
            "need 1 <= threshold <= holders < prime and a secret of 0 to prime - 1. Received: "
            f"threshold={threshold}, holders={holders}, secret={secret}"
        )
    factors = [secret, *(below(prime) for _ in range(threshold - 1))]

    def value(x: int) -> int:
        return sum(factor * pow(x, power, prime) for power, factor in enumerate(factors)) % prime

    return [Share(x, value(x)) for x in range(1, holders + 1)]


def reveal(shares: Sequence[Share], prime: int = PRIME) -> int:
    """Return the secret: the value at 0 of the polynomial through the shares (Lagrange).

    Too few shares give a number too, but not the secret.
    """
    total = 0
    for x, y in shares:
        for other, _ in shares:
            if other != x:
                y = y * other * pow(other - x, -1, prime)
        total += y
    return total % prime
