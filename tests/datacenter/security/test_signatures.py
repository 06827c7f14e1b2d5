"""A signature is the file's and the maker's, or is refused."""

import hashlib

import pytest

from labkit.datacenter.security import encryption, signatures
from labkit.datacenter.security.signatures import SharedKey, new_key


@pytest.fixture(params=["Ed25519", "HMAC"])
def key(request, monkeypatch):
    if request.param == "HMAC":
        monkeypatch.setattr(signatures, "missing", lambda: "not installed")
    else:
        pytest.importorskip("cryptography")
    return new_key()


def test_what_was_signed_is_accepted_and_every_flipped_bit_refused(key):
    data = b"weights"
    signature, public = key.sign(data), key.public_key()
    assert public.verify(signature, data) is None
    for bit in range(8 * len(data)):
        with pytest.raises(Exception):  # noqa: B017, PT011 (that of cryptography is no ValueError)
            public.verify(signature, encryption.flip(data, bit))
    for bit in range(8 * len(signature)):
        with pytest.raises(Exception):  # noqa: B017, PT011
            public.verify(encryption.flip(signature, bit), data)


def test_another_makers_signature_is_refused(key):
    with pytest.raises(Exception):  # noqa: B017, PT011
        new_key().public_key().verify(key.sign(b"weights"), b"weights")


def test_a_public_key_of_ed25519_cannot_sign_and_that_of_a_shared_secret_can():
    pytest.importorskip("cryptography")
    assert not hasattr(new_key().public_key(), "sign")
    shared = SharedKey(bytes(32)).public_key()
    shared.verify(shared.sign(b"forged"), b"forged")


def test_hmac_is_that_of_the_standard():
    key = SharedKey(b"\x0b" * 32)
    block = bytes(b ^ 0x36 for b in (b"\x0b" * 32).ljust(64, b"\0"))
    outer = bytes(b ^ 0x5C for b in (b"\x0b" * 32).ljust(64, b"\0"))
    inner = hashlib.sha256(block + b"Hi There").digest()
    assert key.sign(b"Hi There") == hashlib.sha256(outer + inner).digest()
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SharedKey(b"short")
