"""Signatures: whether a model's files are those that their maker signed, before one is opened.

`sign` writes a manifest (each file's SHA-256, and a version) and a signature of it into the folder.
`verify` trusts nothing but the public key; `read` returns the very bytes that were verified.

>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     size = Path(folder, "weights.bin").write_bytes(b"1234")
...     key = new_key()
...     sign(folder, key, version=3)
...     size = Path(folder, "weights.bin").write_bytes(b"1235")
...     verify(folder, key.public_key())
Traceback (most recent call last):
labkit.datacenter.security.signatures.NotGenuine: weights.bin is not the file that was signed

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any, Protocol

from labkit.datacenter.security.encryption import missing

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"


class NotGenuine(ValueError):
    """A folder is not as its maker signed it; the message says in what."""


class PublicKey(Protocol):
    """What checks a signature: raises an exception when it is not right."""

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check a signature."""


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


def sign(folder: str | Path, key: Any, version: int = 1) -> None:
    """Write the manifest of a folder, and its signature.

    Args:
        folder: with all files of a model.
        key: of `new_key`: its private half.
        version: grows with each release, so that an old one cannot be passed off as new.

    Raises:
        ValueError: there is no file, or a link.
    """
    files = {name: _sha256(path.read_bytes()) for name, path in _files(folder).items()}
    if not files:
        raise ValueError(f"there is nothing to sign in {folder}")
    text = json.dumps({"version": version, "files": files}, indent=1, sort_keys=True).encode()
    Path(folder, MANIFEST).write_bytes(text)
    Path(folder, SIGNATURE).write_bytes(key.sign(text))


def verify(folder: str | Path, key: PublicKey, least: int = 0) -> dict[str, str]:
    """Return the SHA-256 of each file, once all of them are what was signed, and nothing is more.

    The signature comes first: what is not signed is not even read as JSON.

    Args:
        folder: that `sign` has signed.
        key: the maker's public key, which must have come on another way than the folder.
        least: version below which a folder is too old.

    Raises:
        NotGenuine: in what it differs.
    """
    signed = _manifest(folder, key)
    if signed["version"] < least:
        raise NotGenuine(f"signed, but old: version {signed['version']}, wanted at least {least}")
    found = _files(folder)
    for name, digest in signed["files"].items():
        if name not in found:
            raise NotGenuine(f"{name} is missing")
        _check(name, found[name].read_bytes(), digest)
    if more := sorted(set(found) - set(signed["files"])):
        raise NotGenuine(f"{more[0]} was not there when the folder was signed")
    return signed["files"]


def read(folder: str | Path, name: str, key: PublicKey) -> bytes:
    """Return the bytes of one signed file, verified after they were read.

    Who verifies a file and then opens it by its name reads it twice, and it may change in between.

    Args:
        folder, key: as `verify`.
        name: of the file in the folder.

    Raises:
        NotGenuine: it is another one, or none that was signed.
    """
    files = _manifest(folder, key)["files"]
    if name not in files:
        raise NotGenuine(f"{name} was not signed; signed are {', '.join(sorted(files))}")
    if not Path(folder, name).is_file():
        raise NotGenuine(f"{name} is missing")
    data = Path(folder, name).read_bytes()
    _check(name, data, files[name])
    return data


def _manifest(folder: str | Path, key: PublicKey) -> dict:
    try:
        text = Path(folder, MANIFEST).read_bytes()
        signature = Path(folder, SIGNATURE).read_bytes()
    except FileNotFoundError as error:
        raise NotGenuine(f"not signed: there is no {Path(error.filename).name}") from None
    try:
        key.verify(signature, text)
    except _refusals():
        raise NotGenuine(f"{MANIFEST} is not signed by this key, or was changed") from None
    return json.loads(text)


def _refusals() -> tuple[type[Exception], ...]:
    """Return what a key raises at a wrong signature; that of cryptography is no ValueError."""
    if missing():
        return (ValueError,)
    from cryptography.exceptions import InvalidSignature

    return ValueError, InvalidSignature


def _files(folder: str | Path) -> dict[str, Path]:
    """Return name -> path of all files but the manifest and its signature."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).rglob("*"))}
    if links := [name for name, path in found.items() if path.is_symlink()]:
        raise NotGenuine(f"{links[0]} is a link: it may lead to another file tomorrow")
    ours = (MANIFEST, SIGNATURE)
    return {name: path for name, path in found.items() if path.is_file() and name not in ours}


def _check(name: str, data: bytes, digest: str) -> None:
    if _sha256(data) != digest:
        raise NotGenuine(f"{name} is not the file that was signed")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
