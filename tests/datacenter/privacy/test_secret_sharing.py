"""Shares of a secret: any few give it back, fewer fit every secret equally well."""

import itertools
from collections import Counter

from labkit.datacenter.privacy.secret_sharing import Share, reveal, share


def test_any_threshold_of_the_shares_gives_the_secret_back():
    secret = 2**256 - 189
    shares = share(secret, holders=6, threshold=4)
    for some in itertools.combinations(shares, 4):
        assert reveal(some) == secret
    assert all(reveal(some) != secret for some in itertools.combinations(shares, 3))


def test_fewer_shares_fit_every_secret_equally_well():
    """In a field of 7 one can count: each pair of shares comes from as many polynomials."""
    seen = {}
    for secret in range(7):
        for factors in itertools.product(range(7), repeat=2):
            draws = iter(factors)
            shares = share(secret, 3, 3, below=lambda _, draws=draws: next(draws), prime=7)
            assert reveal(shares, prime=7) == secret
            seen.setdefault(secret, Counter())[shares[0].y, shares[2].y] += 1
    assert all(counted == seen[0] for counted in seen.values())
    assert len(seen[0]) == 49
    assert set(seen[0].values()) == {1}


def test_shares_lie_on_a_line_for_a_threshold_of_two():
    shares = share(3, 3, 2, below=lambda _: 5, prime=13)
    assert shares == [Share(1, 8), Share(2, 0), Share(3, 5)]  # 3 + 5 x, modulo 13
