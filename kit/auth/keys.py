"""The Ed25519 keys that sign access tokens, in one JSON file that all replicas of the account service share.

The file holds `{"keys": [JWK, ...]}` with private parts, newest first. All keys verify; the newest key whose `sign_from` (seconds since the
epoch; absent: always) has passed signs. So verifiers know a new key before it signs, and an old one until its last token has expired.
"""

import base64
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import PyJWK

from kit.telemetry import get_logger
from kit.values import secret_token

log = get_logger(__name__)

# Not published in the JWKS: the private part and our own field.
_PRIVATE: Final = ("d", "sign_from")
# How often the file is checked for changes.
_CHECK_SECONDS: Final = 1.0

Jwk = dict[str, Any]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def new_key() -> Jwk:
    """A new private key as a JWK (RFC 8037)."""
    private = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": secret_token(9),
        "x": _encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
        "d": _encode(private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())),
    }


@dataclass(frozen=True, slots=True, repr=False)
class SigningKeys:
    """The keys of the account service; their repr shows nothing."""

    keys: Sequence[Jwk]

    @classmethod
    def load(cls, path: Path) -> "SigningKeys":
        """Reads the file; raises ValueError when it has no usable key."""
        try:
            keys = json.loads(path.read_text())["keys"]
            for key in keys:
                PyJWK(key, algorithm="EdDSA")
        except Exception as error:
            # Not chained: the parser's error message may quote the file.
            raise ValueError(f"{path.name}: not a file of signing keys ({type(error).__name__})") from None
        if not keys:
            raise ValueError(f"{path.name}: contains no key")
        return cls(tuple(keys))

    @classmethod
    def generate(cls, path: Path) -> "SigningKeys":
        """Creates the file with one new key unless it exists, and reads it. Concurrent callers get the same keys."""
        if path.exists():
            # Its folder may be read-only.
            return cls.load(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"keys": [new_key()]}))
        try:
            os.link(draft, path)
        except FileExistsError:
            # Another process created the file first; its keys are used.
            pass
        finally:
            draft.unlink()
        return cls.load(path)

    @property
    def signing(self) -> PyJWK:
        """The key that currently signs."""
        now = time.time()
        started = (key for key in self.keys if key.get("sign_from", 0) <= now)
        return _private(json.dumps(next(started, self.keys[-1]), sort_keys=True))

    def public(self) -> list[Jwk]:
        """The public parts, for the JWKS."""
        return [{name: value for name, value in key.items() if name not in _PRIVATE} for key in self.keys]

    def rotated(self, *, after: timedelta, keep: timedelta) -> "SigningKeys":
        """Adds a new key that signs in `after` from now, and drops keys that stopped signing more than `keep` ago."""
        now = time.time()
        new = new_key() | {"sign_from": int(now + after.total_seconds())}
        # A key signs until the next newer one starts.
        sign_until = [new["sign_from"], *(key.get("sign_from", 0) for key in self.keys)]
        current = [
            key
            for key, until in zip(self.keys, sign_until, strict=False)
            if until + keep.total_seconds() > now
        ]
        return SigningKeys((new, *current))

    def write(self, path: Path) -> None:
        """Replaces the file atomically: readers get the old keys or the new ones."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(self.text())
        draft.replace(path)

    def text(self) -> str:
        """The content of the file: secret."""
        return json.dumps({"keys": list(self.keys)})


class KeyFile:
    """The keys of a file that may be replaced while the service runs. While it is unreadable, the last valid keys are used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = SigningKeys.load(path)
        self._version = self._file_version()
        self._next_check = time.monotonic() + _CHECK_SECONDS

    @property
    def signing(self) -> PyJWK:
        """The key that currently signs."""
        return self._current().signing

    def public(self) -> list[Jwk]:
        """The public parts, for the JWKS."""
        return self._current().public()

    def _current(self) -> SigningKeys:
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + _CHECK_SECONDS
            version = self._file_version()
            if version != self._version:
                self._reload(version)
        return self._keys

    def _reload(self, version: tuple[int, int, int] | None) -> None:
        try:
            self._keys = SigningKeys.load(self._path)
        except ValueError as error:
            log.error("signing_keys.unreadable", error=str(error))
            return
        self._version = version
        log.info("signing_keys.read", keys=len(self._keys.keys))

    def _file_version(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


@lru_cache(maxsize=16)
def _private(text: str) -> PyJWK:
    return PyJWK(json.loads(text), algorithm="EdDSA")
