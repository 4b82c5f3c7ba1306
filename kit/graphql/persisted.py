"""Persisted documents: Apollo's automatic persisted queries, and an allow-list.

A client sends a document's sha256 only, and the document itself once, when its hash is unknown. With an allow-list, any other document is
rejected. Allow-list files: {"<sha256>": "<document>"}, or Apollo's manifest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from sys import getsizeof
from typing import Any, Final

from kit.cache import Cache
from kit.errors import InvalidArgument
from kit.graphql.bounded_cache import BoundedCache

_CACHE_ENTRIES: Final = 1000
_CACHE_BYTES: Final = 8 * 1024 * 1024
_TTL_SECONDS: Final = 7 * 24 * 3600.0
_HASH_LENGTH: Final = 64


class PersistedQueryNotFound(InvalidArgument):
    """The hash is unknown. Apollo's clients match the message, and then send the document."""

    reason = "PERSISTED_QUERY_NOT_FOUND"


class PersistedQueryNotInList(InvalidArgument):
    """The document is not on the allow-list."""

    reason = "PERSISTED_QUERY_NOT_IN_LIST"


class BadPersistedQuery(InvalidArgument):
    """The extension is malformed, or its hash is not the document's."""

    reason = "BAD_REQUEST"


@dataclass(frozen=True, slots=True)
class AllowList:
    """The only documents to execute, by hash."""

    documents: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "AllowList":
        """Raises OSError and ValueError."""
        content = json.loads(path.read_text())
        if isinstance(content, dict) and isinstance(content.get("operations"), list):
            content = {str(operation["id"]): operation["body"] for operation in content["operations"]}
        if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
            raise ValueError(f"{path}: must be a JSON object of documents by their sha256")
        return cls(content)


class PersistedDocuments:
    """Finds a request's document: in this process, else in Redis, which all replicas share."""

    def __init__(self, cache: Cache, allowed: AllowList | None) -> None:
        self._cache = cache
        self._allowed = allowed.documents if allowed else None
        self._texts = frozenset(self._allowed.values()) if self._allowed is not None else frozenset()
        self._local: BoundedCache[str] = BoundedCache(_CACHE_ENTRIES, _CACHE_BYTES)

    async def find(self, text: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The requested document; None when the request has neither text nor hash."""
        extension = _extension(extensions)
        if extension is None:
            return text if text is None or self._allowed is None else self._require_listed(text)
        digest = _digest(extension)
        if self._allowed is not None:
            if digest not in self._allowed:
                raise PersistedQueryNotInList("this document is not on the allow-list")
            return self._allowed[digest]
        if text is None:
            return await self._look_up(digest)
        if sha256(text.encode()).hexdigest() != digest:
            raise BadPersistedQuery("provided sha does not match query")
        return text

    async def store(self, text: str, extensions: Mapping[str, Any] | None) -> None:
        """Stores a valid document that came with its hash."""
        extension = _extension(extensions)
        if extension is None or self._allowed is not None:
            return
        digest = _digest(extension)
        if digest not in self._local:
            self._store_locally(digest, text)
            await self._cache.set_many({digest: text.encode()}, seconds=_TTL_SECONDS)

    def _require_listed(self, text: str) -> str:
        if text not in self._texts:
            raise PersistedQueryNotInList("this document is not on the allow-list")
        return text

    async def _look_up(self, digest: str) -> str:
        if (local := self._local.get(digest)) is not None:
            return local
        shared = await self._cache.get(digest)
        if shared is None:
            raise PersistedQueryNotFound("PersistedQueryNotFound")
        text = shared.decode()
        self._store_locally(digest, text)
        return text

    def _store_locally(self, digest: str, text: str) -> None:
        self._local.put(digest, text, getsizeof(text) + getsizeof(digest))


def _extension(extensions: Mapping[str, Any] | None) -> Any:
    """None when it is absent or null."""
    return extensions.get("persistedQuery") if extensions else None


def _digest(extension: Any) -> str:
    if isinstance(extension, dict) and extension.get("version") == 1:
        digest = extension.get("sha256Hash")
        if isinstance(digest, str) and len(digest) == _HASH_LENGTH:
            return digest
    raise BadPersistedQuery("extensions.persistedQuery must be {version: 1, sha256Hash}")
