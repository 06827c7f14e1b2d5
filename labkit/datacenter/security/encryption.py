"""Encryption: what hides, what protects from changes, and what each kind of key is for.

A keystream by hand shows what secrecy without integrity is worth. `seal` and `unseal` add the
check that is missing; `envelope` gives a file to whoever holds an RSA key. AES-GCM and RSA are
those of the package cryptography: **never use the keystream of this module for a real secret.**

>>> key, nonce = bytes(32), bytes(12)
>>> secret = xor(b"dose 10 mg", keystream(key, nonce, 10))
>>> xor(secret, keystream(key, nonce, 10))
b'dose 10 mg'
>>> changed = flip(secret, 8 * 5 + 3)  # without the key, and nobody sees it
>>> xor(changed, keystream(key, nonce, 10))
b'dose 90 mg'

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEY, NONCE = 32, 12  # bytes
HASH = 32  # bytes of SHA-256


class Tampered(ValueError):
    """What came is not what was sealed with this key."""


def missing() -> str:
    """Return what the extra `privacy` would add, where it is not installed; else an empty text."""
    if find_spec("cryptography"):
        return ""
    return (
        "AES-GCM, RSA and Ed25519 need the extra `privacy`: pip install 'labkit[privacy]'. "
        "Without it, what is sealed here uses SHAKE256 and HMAC of the standard library."
    )


# --- by hand ------------------------------------------------------------------------------------


def keystream(key: bytes, nonce: bytes, size: int) -> bytes:
    """Return bytes that nobody can tell from random ones without the key: SHAKE256(key, nonce).

    Args:
        key: 32 bytes that stay secret.
        nonce: 12 bytes that are public, and never the same again with this key.
        size: bytes wanted.

    Raises:
        ValueError: a key or a nonce of another length.

    Source: FIPS 202 (2015), an extendable-output function used as a stream cipher.
    """
    _check_length(key, KEY, "a key")
    _check_length(nonce, NONCE, "a nonce")
    return hashlib.shake_256(key + nonce).digest(size)


def xor(first: bytes, second: bytes) -> bytes:
    """Return the bits in which two texts of one length differ.

    Raises:
        ValueError: two lengths.

    >>> xor(b"AB", b"  ")
    b'ab'
    """
    if len(first) != len(second):
        raise ValueError(
            f"xor needs two texts of one length. Received: {len(first)}, {len(second)}"
        )
    return (np.frombuffer(first, np.uint8) ^ np.frombuffer(second, np.uint8)).tobytes()


def flip(data: bytes, bit: int) -> bytes:
    """Return the data with one bit changed; bit 0 is the lowest one of the first byte.

    Raises:
        ValueError: there is no such bit.

    >>> flip(b"A", 5)
    b'a'
    """
    if not 0 <= bit < 8 * len(data):
        raise ValueError(f"bit must be in 0..{8 * len(data) - 1}. Received: {bit}")
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- sealed: hidden, and protected from changes -------------------------------------------------


def seal(key: bytes, data: bytes, label: bytes = b"") -> bytes:
    """Return a fresh nonce, the encrypted data, and the tag that protects both and the label.

    It is AES-256-GCM, and 28 bytes longer than the data. Without the extra `privacy` it is the
    keystream above and an HMAC over all that is sent (encrypt, then MAC), and 44 bytes longer.

    Args:
        key: 32 bytes.
        data: what is hidden.
        label: what it is, such as the file's name: not sent and not hidden, but it must be the
            same in `unseal`.

    Source: NIST SP 800-38D (2007); Bellare and Namprempre, Authenticated encryption (2000).

    >>> len(seal(bytes(32), b"weights")) - len(b"weights") in (28, 44)
    True
    """
    _check_length(key, KEY, "a key")
    nonce = os.urandom(NONCE)
    if missing():
        hidden = xor(data, keystream(_derived(key, b"hide"), nonce, len(data)))
        return nonce + hidden + _mac(key, nonce + hidden, label)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return nonce + AESGCM(key).encrypt(nonce, data, label)


def unseal(key: bytes, sealed: bytes, label: bytes = b"") -> bytes:
    """Return what was sealed.

    Args: as `seal`.

    Raises:
        Tampered: another key, another label, or a bit that has changed. Which, nobody is told.

    >>> sealed = seal(bytes(32), b"weights")
    >>> unseal(bytes(32), sealed)
    b'weights'
    >>> unseal(bytes(32), flip(sealed, 100))
    Traceback (most recent call last):
    labkit.datacenter.security.encryption.Tampered: not sealed with this key and label, or changed
    """
    _check_length(key, KEY, "a key")
    nonce, rest = sealed[:NONCE], sealed[NONCE:]
    if missing():
        hidden, tag = rest[:-HASH], rest[-HASH:]
        if not hmac.compare_digest(tag, _mac(key, nonce + hidden, label)):
            raise Tampered("not sealed with this key and label, or changed")
        return xor(hidden, keystream(_derived(key, b"hide"), nonce, len(hidden)))
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, rest, label)
    except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce and a tag
        raise Tampered("not sealed with this key and label, or changed") from None


def _derived(key: bytes, purpose: bytes) -> bytes:
    """Return a key for one purpose: hiding and checking must not share one."""
    return hmac.digest(key, purpose, "sha256")


def _mac(key: bytes, sent: bytes, label: bytes) -> bytes:
    return hmac.digest(_derived(key, b"check"), len(label).to_bytes(8) + label + sent, "sha256")


# --- with two keys: RSA, and an envelope --------------------------------------------------------


def rsa_key(bits: int = 3072) -> RSAPrivateKey:
    """Return a new RSA key; its public half is `key.public_key()`.

    Raises:
        ModuleNotFoundError: the extra `privacy` is not installed.
    """
    if words := missing():
        raise ModuleNotFoundError(words)
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_limit(bits: int, hash_bytes: int = HASH) -> int:
    """Return the most bytes that RSA-OAEP encrypts at once: k - 2h - 2.

    Args:
        bits: of the key; k = bits / 8 bytes.
        hash_bytes: of the hash, h.

    Source: RFC 8017 (2016), section 7.1.1.

    >>> rsa_limit(2048), rsa_limit(3072)
    (190, 318)
    """
    return bits // 8 - 2 * hash_bytes - 2


def rsa_limit_tried(key: RSAPublicKey) -> int:
    """Return the most bytes that a key really encrypts, found by trying one more each time."""
    size = 0
    while True:
        try:
            key.encrypt(bytes(size + 1), _oaep())
        except ValueError:
            return size
        size += 1


def envelope(key: RSAPublicKey, data: bytes, label: bytes = b"") -> bytes:
    """Return a file for the holder of a private key: a fresh key under RSA, the data under it.

    Args:
        key: the receiver's public key.
        data: any number of bytes.
        label: as in `seal`.
    """
    fresh = os.urandom(KEY)
    return key.encrypt(fresh, _oaep()) + seal(fresh, data, label)


def open_envelope(key: RSAPrivateKey, sent: bytes, label: bytes = b"") -> bytes:
    """Return the data of an envelope.

    Raises:
        Tampered: for another key, or changed.
    """
    size = key.key_size // 8
    try:
        fresh = key.decrypt(sent[:size], _oaep())
    except ValueError:
        raise Tampered("this envelope is for another key, or was changed") from None
    return unseal(fresh, sent[size:], label)


def _oaep():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Cost(NamedTuple):
    """What a way to encrypt costs, measured in processor time.

    Attributes:
        encrypt: seconds for a megabyte.
        decrypt: seconds for a megabyte.
        growth: bytes that come out for each that goes in.
    """

    encrypt: float
    decrypt: float
    growth: float


def costs(key: RSAPrivateKey, blocks: int = 40, megabytes: int = 16) -> dict[str, Cost]:
    """Measure AES-GCM beside RSA in blocks, as who "encrypts with RSA" would need it.

    Args:
        key: an RSA key.
        blocks: that RSA encrypts and decrypts; a megabyte is worked out from them.
        megabytes: that AES-GCM seals and opens.
    """
    public, block = key.public_key(), os.urandom(rsa_limit(key.key_size))
    hidden, there = _timed(lambda: [public.encrypt(block, _oaep()) for _ in range(blocks)])
    _, back = _timed(lambda: [key.decrypt(each, _oaep()) for each in hidden])
    share = blocks * len(block) / 1e6
    rsa = Cost(there / share, back / share, len(hidden[0]) / len(block))
    secret, data = os.urandom(KEY), bytes(10**6 * megabytes)
    sealed, there = _timed(lambda: seal(secret, data))
    _, back = _timed(lambda: unseal(secret, sealed))
    aes = Cost(there / megabytes, back / megabytes, len(sealed) / len(data))
    return {"AES-GCM": aes, "RSA-OAEP in blocks": rsa}


def _timed(job):
    begun = time.process_time()
    done = job()
    return done, time.process_time() - begun


def _check_length(value: bytes, size: int, what: str) -> None:
    if len(value) != size:
        raise ValueError(
            f"{what} has {size} bytes, such as os.urandom({size}). Received: {len(value)}"
        )
