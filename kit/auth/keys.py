"""The Ed25519 keys that sign access tokens, in one JSON file that all replicas of the account service share.

The file holds `{"keys": [JWK, ...]}` with private parts, newest first: the first signs, all of them verify.
"""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import PyJWK

from kit.values import secret_token

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
        """The key that signs."""
        return PyJWK(self.keys[0], algorithm="EdDSA")

    def public(self) -> list[Jwk]:
        """The public parts, as JWKS has them."""
        return [{name: value for name, value in key.items() if name != "d"} for key in self.keys]
