"""What encryption hides, what it protects, and how much RSA takes: against others' code."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from labkit.datacenter.security import encryption
from labkit.datacenter.security.encryption import (
    Tampered,
    costs,
    envelope,
    flip,
    keystream,
    open_envelope,
    rsa_key,
    rsa_limit,
    rsa_limit_tried,
    seal,
    unseal,
    xor,
)

KEY = bytes(range(32))


@pytest.fixture(params=["with the extra", "without it"])
def _both_ways(request, monkeypatch):
    if request.param == "without it":
        monkeypatch.setattr(encryption, "missing", lambda: "not installed")
    else:
        pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def key():
    pytest.importorskip("cryptography")
    return rsa_key(2048)


def test_the_keystream_is_the_standards_and_depends_on_key_and_nonce():
    expected = hashlib.new("shake_256", KEY + bytes(12)).digest(100)
    assert keystream(KEY, bytes(12), 100) == expected
    assert keystream(KEY, bytes(11) + b"\1", 100) != expected
    ones = np.unpackbits(np.frombuffer(keystream(KEY, bytes(12), 10**5), np.uint8)).mean()
    assert abs(ones - 0.5) < 0.005  # 9 standard errors


@pytest.mark.parametrize(("key", "nonce"), [(KEY[:-1], bytes(12)), (KEY, bytes(13))])
def test_a_key_or_a_nonce_of_another_length_is_refused(key, nonce):
    with pytest.raises(ValueError, match="bytes, such as"):
        keystream(key, nonce, 1)


def test_the_same_nonce_twice_gives_away_in_what_two_texts_differ():
    one, two = b"patient is healthy", b"patient is diseased"[:18]
    stream = keystream(KEY, bytes(12), 18)
    assert xor(xor(one, stream), xor(two, stream)) == xor(one, two)


def test_aes_gcm_with_the_same_nonce_gives_it_away_as_well():
    aead = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
    one, two = (aead.AESGCM(KEY).encrypt(bytes(12), each, None)[:4] for each in (b"1234", b"1334"))
    assert xor(one, two) == xor(b"1234", b"1334")


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_what_was_sealed_comes_back_and_any_changed_bit_is_noticed(size):
    data = bytes(range(256)) * 4
    sealed = seal(KEY, data[:size], b"weights.npz")
    assert unseal(KEY, sealed, b"weights.npz") == data[:size]
    for bit in range(0, 8 * len(sealed), 8 if size < 1000 else 801):
        with pytest.raises(Tampered):
            unseal(KEY, flip(sealed, bit), b"weights.npz")


@pytest.mark.usefixtures("_both_ways")
def test_another_key_another_label_and_half_a_file_are_refused():
    sealed = seal(KEY, b"data", b"label")
    for wrong in [
        lambda: unseal(bytes(32), sealed, b"label"),
        lambda: unseal(KEY, sealed, b"other"),
        lambda: unseal(KEY, sealed),
        *(lambda size=size: unseal(KEY, sealed[:size], b"label") for size in range(len(sealed))),
    ]:
        with pytest.raises(Tampered):
            wrong()


@pytest.mark.usefixtures("_both_ways")
def test_two_seals_of_one_text_differ():
    assert seal(KEY, b"data") != seal(KEY, b"data")


def test_what_is_sealed_is_aes_gcm_as_its_package_opens_it():
    aead = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
    sealed = seal(KEY, b"data", b"label")
    assert len(sealed) == 4 + 28
    assert aead.AESGCM(KEY).decrypt(sealed[:12], sealed[12:], b"label") == b"data"


@pytest.mark.parametrize("bit", [-1, 32])
def test_a_bit_that_is_not_there_cannot_be_flipped(bit):
    with pytest.raises(ValueError, match=r"0\.\.31"):
        flip(b"data", bit)


def test_rsa_takes_no_more_than_the_formula_says(key):
    assert rsa_limit_tried(key.public_key()) == rsa_limit(2048) == 190


def test_an_envelope_holds_what_rsa_cannot_and_any_changed_bit_is_noticed(key):
    data = bytes(10**6)
    sent = envelope(key.public_key(), data, b"model")
    assert len(sent) == len(data) + 256 + 28
    assert open_envelope(key, sent, b"model") == data
    for wrong in (flip(sent, 5), flip(sent, 8 * 256), flip(sent, 8 * len(sent) - 1), sent[:100]):
        with pytest.raises(Tampered):
            open_envelope(key, wrong, b"model")


@pytest.mark.slow
def test_rsa_in_blocks_costs_many_times_as_much_and_grows(key):
    found = costs(key, blocks=20, megabytes=32)
    rsa, aes = found["RSA-OAEP in blocks"], found["AES-GCM"]
    assert rsa.growth == 256 / 190
    assert aes.growth < 1.001
    assert rsa.decrypt > 20 * aes.decrypt  # some thousand times, on any machine


def test_without_the_extra_a_sentence_says_what_it_adds(monkeypatch):
    monkeypatch.setattr(encryption, "find_spec", lambda name: None)
    assert "labkit[privacy]" in encryption.missing()
    with pytest.raises(ModuleNotFoundError, match=r"labkit\[privacy\]"):
        rsa_key()


def test_importing_it_does_not_load_cryptography():
    code = "import sys, labkit.datacenter.security.signatures; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
