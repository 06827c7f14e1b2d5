"""A folder is opened as its maker signed it, or not at all."""

import hashlib
import json

import numpy as np
import pytest

from labkit.datacenter.security import encryption, signatures
from labkit.datacenter.security.signatures import NotGenuine, SharedKey, new_key, sign, verify


@pytest.fixture(params=["Ed25519", "HMAC"])
def key(request, monkeypatch):
    if request.param == "HMAC":
        monkeypatch.setattr(signatures, "missing", lambda: "not installed")
    else:
        pytest.importorskip("cryptography")
    return new_key()


@pytest.fixture
def folder(tmp_path, key):
    np.save(tmp_path / "weights.npy", np.arange(4.0))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "clean.py").write_text("def clean(x): return x / 255\n")
    sign(tmp_path, key, version=3)
    return tmp_path


def test_a_folder_as_it_was_signed_is_genuine_and_its_hashes_are_the_files(folder, key):
    found = verify(folder, key.public_key())
    assert set(found) == {"weights.npy", "code/clean.py"}
    for name, digest in found.items():
        assert digest == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    data = signatures.read(folder, "weights.npy", key.public_key())
    assert data == (folder / "weights.npy").read_bytes()


def _flip(folder, name):
    path = folder / name
    path.write_bytes(encryption.flip(path.read_bytes(), 8 * path.stat().st_size - 1))


def _forge(folder, name):
    """Put in another file, and its hash into the manifest: all that a forger can do."""
    (folder / name).write_bytes(b"other")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(b"other").hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


TAMPERED = {
    "one bit": (lambda f: _flip(f, "weights.npy"), "weights.npy is not the file"),
    "a script": (lambda f: _flip(f, "code/clean.py"), "clean.py is not the file"),
    "one more": (lambda f: (f / "code" / "x.py").write_text(""), "x.py was not there"),
    "one less": (lambda f: (f / "weights.npy").unlink(), "weights.npy is missing"),
    "forged": (lambda f: _forge(f, "weights.npy"), "not signed by this key"),
    "manifest": (lambda f: _flip(f, "manifest.json"), "not signed by this key"),
    "signature": (lambda f: _flip(f, "manifest.sig"), "not signed by this key"),
    "half": (lambda f: (f / "manifest.sig").write_bytes(b""), "not signed by this key"),
    "unsigned": (lambda f: (f / "manifest.sig").unlink(), "there is no manifest.sig"),
    "bare": (lambda f: (f / "manifest.json").unlink(), "there is no manifest.json"),
}


@pytest.mark.parametrize(("tamper", "words"), TAMPERED.values(), ids=TAMPERED)
def test_a_folder_that_was_changed_is_refused_and_why_is_said(folder, key, tamper, words):
    tamper(folder)
    with pytest.raises(NotGenuine, match=words):
        verify(folder, key.public_key())


def test_a_link_is_refused(folder, key, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "weights.npy"
    other.write_bytes((folder / "weights.npy").read_bytes())
    (folder / "weights.npy").unlink()
    (folder / "weights.npy").symlink_to(other)
    with pytest.raises(NotGenuine, match=r"weights.npy is a link"):
        verify(folder, key.public_key())


def test_another_makers_signature_is_refused(folder, key):
    with pytest.raises(NotGenuine, match="not signed by this key"):
        verify(folder, new_key().public_key())


def test_an_old_version_is_genuine_and_refused_where_a_newer_one_is_known(folder, key):
    assert verify(folder, key.public_key(), least=3)
    with pytest.raises(NotGenuine, match=r"old: version 3, wanted at least 4"):
        verify(folder, key.public_key(), least=4)


def test_a_single_file_is_read_and_verified_in_one_go(folder, key):
    with pytest.raises(NotGenuine, match=r"x.py was not signed; signed are code/clean.py, weights"):
        signatures.read(folder, "code/x.py", key.public_key())
    (folder / "weights.npy").write_bytes(b"other")
    with pytest.raises(NotGenuine, match=r"weights.npy is not the file"):
        signatures.read(folder, "weights.npy", key.public_key())
    (folder / "weights.npy").unlink()
    with pytest.raises(NotGenuine, match=r"weights.npy is missing"):
        signatures.read(folder, "weights.npy", key.public_key())


def test_nothing_cannot_be_signed(tmp_path, key):
    with pytest.raises(ValueError, match="nothing to sign"):
        sign(tmp_path, key)


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
