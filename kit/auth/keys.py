"""The Ed25519 keys that sign access tokens, in one JSON file that all replicas of the account service share.

The file holds `{"keys": [JWK, ...]}` with private parts, newest first. All of them verify; the newest whose `sign_from` (seconds since the
epoch; absent: always) has come signs. A new key is thus known everywhere before it signs, and an old one until its last token has expired.
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

# What JWKS does not have: the private part, and what is only for us.
_PRIVATE: Final = ("d", "sign_from")
# How often a change of the file is looked for.
_LOOK_SECONDS: Final = 1.0

Jwk = dict[str, Any]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def new_key() -> Jwk:
    """A fresh private key as a JWK (RFC 8037)."""
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
    """The keys of the account service; never printed."""

    keys: Sequence[Jwk]

    @classmethod
    def load(cls, path: Path) -> "SigningKeys":
        """Reads the file; raises ValueError when it holds no usable key."""
        try:
            keys = json.loads(path.read_text())["keys"]
            for key in keys:
                PyJWK(key, algorithm="EdDSA")
        except Exception as error:
            # Not chained: the text of a parser's error may quote the file.
            raise ValueError(f"{path.name}: not a file of signing keys ({type(error).__name__})") from None
        if not keys:
            raise ValueError(f"{path.name}: holds no key")
        return cls(tuple(keys))

    @classmethod
    def generate(cls, path: Path) -> "SigningKeys":
        """Makes the file with one fresh key unless it is there already (two that race get the same keys), and reads it."""
        if path.exists():
            # Its folder may be one that nobody may write to.
            return cls.load(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f".{path.name}.{os.getpid()}")
        mine.touch(mode=0o600)
        mine.write_text(json.dumps({"keys": [new_key()]}))
        try:
            os.link(mine, path)
        except FileExistsError:
            # Another process was first; its keys are as good.
            pass
        finally:
            mine.unlink()
        return cls.load(path)

    @property
    def signing(self) -> PyJWK:
        """The key that signs now."""
        now = time.time()
        begun = (key for key in self.keys if key.get("sign_from", 0) <= now)
        return _private(json.dumps(next(begun, self.keys[-1]), sort_keys=True))

    def public(self) -> list[Jwk]:
        """The public parts, as JWKS has them."""
        return [{name: value for name, value in key.items() if name not in _PRIVATE} for key in self.keys]

    def rotated(self, *, after: timedelta, keep: timedelta) -> "SigningKeys":
        """With a fresh key that signs from `after` now on, without those that signed nothing since longer than `keep`."""
        now = time.time()
        fresh = new_key() | {"sign_from": int(now + after.total_seconds())}
        # A key signs until the next newer one does.
        ends = [fresh["sign_from"], *(key.get("sign_from", 0) for key in self.keys)]
        kept = [key for key, end in zip(self.keys, ends, strict=False) if end + keep.total_seconds() > now]
        return SigningKeys((fresh, *kept))

    def write(self, path: Path) -> None:
        """Replaces the file at once: whoever reads it gets the old keys or these."""
        mine = path.with_name(f".{path.name}.{os.getpid()}")
        mine.touch(mode=0o600)
        mine.write_text(json.dumps({"keys": list(self.keys)}))
        mine.replace(path)


class KeyFile:
    """The keys of a file that may be replaced while the service runs; the last good ones while it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = SigningKeys.load(path)
        self._seen = self._stamp()
        self._look_at = time.monotonic() + _LOOK_SECONDS

    @property
    def signing(self) -> PyJWK:
        """The key that signs now."""
        return self._now().signing

    def public(self) -> list[Jwk]:
        """The public parts, as JWKS has them."""
        return self._now().public()

    def _now(self) -> SigningKeys:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_SECONDS
            stamp = self._stamp()
            if stamp != self._seen:
                self._read(stamp)
        return self._keys

    def _read(self, stamp: tuple[int, int, int] | None) -> None:
        try:
            self._keys = SigningKeys.load(self._path)
        except ValueError as error:
            log.error("signing_keys.unreadable", error=str(error))
            return
        self._seen = stamp
        log.info("signing_keys.read", keys=len(self._keys.keys))

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


@lru_cache(maxsize=16)
def _private(text: str) -> PyJWK:
    return PyJWK(json.loads(text), algorithm="EdDSA")
