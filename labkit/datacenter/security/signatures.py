"""Signatures: who wrote a file, checked before it is opened.

>>> key = new_key()
>>> signature = key.sign(b"weights")
>>> key.public_key().verify(signature, b"weights")
>>> try:
...     key.public_key().verify(signature, b"weightz")
... except Exception:  # that of cryptography is no ValueError
...     print("refused")
refused

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hmac
import os
from typing import Any

from labkit.datacenter.security.encryption import missing


class SharedKey:
    """A secret that signs by HMAC-SHA256, with the methods of an Ed25519 key.

    Its public half is itself: whoever can check a signature can make one. So it protects from a
    stranger on the way, and proves nothing to a third party.

    Args:
        secret: 32 bytes that maker and reader share.

    Source: RFC 2104 (1997).

    >>> key = SharedKey(bytes(32))
    >>> key.public_key() is key
    True
    """

    def __init__(self, secret: bytes):
        if len(secret) < 32:
            raise ValueError(f"a shared secret has at least 32 bytes. Received: {len(secret)}")
        self._secret = secret

    def sign(self, data: bytes) -> bytes:
        """Return the HMAC of the data."""
        return hmac.digest(self._secret, data, "sha256")

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raise ValueError unless the signature is the data's."""
        if not hmac.compare_digest(signature, self.sign(data)):
            raise ValueError("not signed with this secret")

    def public_key(self) -> SharedKey:
        """Return itself."""
        return self


def new_key() -> Any:
    """Return a new Ed25519 key; without the extra `privacy` a `SharedKey`.

    Source: RFC 8032 (2017).
    """
    if missing():
        return SharedKey(os.urandom(32))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()
