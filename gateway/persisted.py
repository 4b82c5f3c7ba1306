"""Documents known by their hash: automatic persisted queries as Apollo's clients send them, and the list of those that are allowed.

A client sends the hash alone; only a hash nobody knows yet costs the document once. With a list, nothing else is answered. Files of hashes:
{"<sha256>": "<document>"}, or Apollo's manifest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from sys import getsizeof
from typing import Any, Final

from gateway.remembered import Remembered
from kit.cache import Cache
from kit.errors import InvalidArgument

_REMEMBERED: Final = 1000
_REMEMBERED_BYTES: Final = 8 * 1024 * 1024
_KEPT_SECONDS: Final = 7 * 24 * 3600.0
_HASH_LENGTH: Final = 64


class PersistedQueryNotFound(InvalidArgument):
    """Nobody sent this hash's document yet. The message is what clients look for."""

    reason = "PERSISTED_QUERY_NOT_FOUND"


class PersistedQueryNotInList(InvalidArgument):
    """Only listed documents are answered here."""

    reason = "PERSISTED_QUERY_NOT_IN_LIST"


class BadPersistedQuery(InvalidArgument):
    """The extension is not what it should be."""

    reason = "BAD_REQUEST"


@dataclass(frozen=True, slots=True)
class AllowList:
    """The only documents that are answered, by hash."""

    documents: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "AllowList":
        """Raises OSError and ValueError."""
        content = json.loads(path.read_text())
        if isinstance(content, dict) and isinstance(content.get("operations"), list):
            content = {str(each["id"]): each["body"] for each in content["operations"]}
        if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
            raise ValueError(f"{path}: not documents by their hashes")
        return cls(content)


class Persisted:
    """Finds a request's document. Remembers what came lately, Redis what came to any replica."""

    def __init__(self, cache: Cache, allowed: AllowList | None) -> None:
        self._cache = cache
        self._allowed = allowed.documents if allowed else None
        self._texts = frozenset(self._allowed.values()) if self._allowed is not None else frozenset()
        self._known: Remembered[str] = Remembered(_REMEMBERED, _REMEMBERED_BYTES)

    async def document(self, text: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The document that is asked; None when the request has neither text nor hash."""
        wanted = extensions.get("persistedQuery") if extensions else None
        if wanted is None:
            return text if text is None or self._allowed is None else self._listed(text)
        digest = _digest(wanted)
        if self._allowed is not None:
            if digest not in self._allowed:
                raise PersistedQueryNotInList("this document is not allowed here")
            return self._allowed[digest]
        if text is None:
            return await self._find(digest)
        if sha256(text.encode()).hexdigest() != digest:
            raise BadPersistedQuery("provided sha does not match query")
        return text

    async def keep(self, text: str, extensions: Mapping[str, Any] | None) -> None:
        """Remembers a document that came with its hash, and turned out to be a valid one."""
        if not extensions or "persistedQuery" not in extensions or self._allowed is not None:
            return
        digest = extensions["persistedQuery"]["sha256Hash"]
        if digest not in self._known:
            self._remember(digest, text)
            await self._cache.set_many({digest: text.encode()}, seconds=_KEPT_SECONDS)

    def _listed(self, text: str) -> str:
        if text not in self._texts:
            raise PersistedQueryNotInList("this document is not allowed here")
        return text

    async def _find(self, digest: str) -> str:
        if (known := self._known.get(digest)) is not None:
            return known
        kept = await self._cache.get(digest)
        if kept is None:
            raise PersistedQueryNotFound("PersistedQueryNotFound")
        text = kept.decode()
        self._remember(digest, text)
        return text

    def _remember(self, digest: str, text: str) -> None:
        self._known.put(digest, text, getsizeof(text) + getsizeof(digest))


def _digest(wanted: Any) -> str:
    if isinstance(wanted, dict) and wanted.get("version") == 1:
        digest = wanted.get("sha256Hash")
        if isinstance(digest, str) and len(digest) == _HASH_LENGTH:
            return digest
    raise BadPersistedQuery("extensions.persistedQuery must be {version: 1, sha256Hash}")
