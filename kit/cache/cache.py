"""Cache-aside over Redis: single flight, jittered lifetimes, remembered absences, and no harm when Redis is down."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.telemetry import client_span

_LOG = logging.getLogger(__name__)
_LOOKUPS = Counter("souk_cache_lookups_total", "Keys looked up in the cache, by result.", ["cache", "result"])
_FAILURES = Counter("souk_cache_failures_total", "Calls that Redis did not answer.", ["cache"])

_CONNECT_SECONDS = 0.1
_ANSWER_SECONDS = 0.25
# While Redis is down nobody asks it for this long, so that its absence costs no time per call.
_PAUSE_SECONDS = 1.0
# What is absent is remembered as this byte; no protobuf message of ours serializes to it.
_ABSENT = b"\xff"

T = TypeVar("T")
Load = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]


class Cache:
    """A resource that keeps bytes for a while under `prefix:key`.

    Every method works without Redis: reads find nothing, writes do nothing, and the failure is counted.
    """

    name = "redis"

    def __init__(self, url: str, prefix: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            max_connections=64,
        )
        self._prefix = prefix + ":"
        self._loading: dict[str, asyncio.Future[bytes | None]] = {}
        self._down_until = 0.0
        self._is_down = False
        self._hits = _LOOKUPS.labels(prefix, "hit")
        self._misses = _LOOKUPS.labels(prefix, "miss")
        self._failures = _FAILURES.labels(prefix)

    async def open(self) -> None:
        """Nothing: connections are made when needed."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises RedisError when Redis does not answer."""
        await self._redis.ping()

    async def get(self, key: str) -> bytes | None:
        """What is kept under a key, if anything."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """What is kept under several keys; those without anything are left out."""
        if not keys:
            return {}
        # Our client decodes nothing, so that values are bytes whatever its types allow.
        values: Any = (
            await self._try("MGET", lambda: self._redis.mget([self._prefix + key for key in keys])) or []
        )
        found = {key: value for key, value in zip(keys, values, strict=False) if value is not None}
        self._hits.inc(len(found))
        self._misses.inc(len(keys) - len(found))
        return found

    async def set_many(self, values: Mapping[str, bytes], *, seconds: float) -> None:
        """Keeps values for about `seconds` (up to a tenth less, so that they do not all end at once)."""
        if not values:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, value in values.items():
                pipe.set(self._prefix + key, value, px=int(seconds * random.uniform(900, 1000)))
            await self._try("SET", pipe.execute)

    async def delete(self, *keys: str) -> None:
        """Forgets several keys."""
        if keys:
            await self._try("DEL", lambda: self._redis.delete(*[self._prefix + key for key in keys]))

    async def increment(self, key: str) -> None:
        """Raises a number by one; it begins at 0."""
        await self._try("INCR", lambda: self._redis.incr(self._prefix + key))

    async def get_or_load_many(self, keys: Sequence[str], load: Load, *, seconds: float) -> dict[str, bytes]:
        """What is kept under the keys, else what `load` answers for the missing ones, which is then kept.

        Callers that miss the same key at once wait for one load. A key that `load` leaves out is remembered as absent.
        """
        unique = list(dict.fromkeys(keys))
        waited = {key: self._loading[key] for key in unique if key in self._loading}
        found = await self._lead([key for key in unique if key not in waited], load, seconds)
        for key, future in waited.items():
            value = await asyncio.shield(future)
            if value is not None:
                found[key] = value
        return found

    async def _lead(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        """Looks up and loads keys that nobody else is looking up now; whoever comes meanwhile waits for the futures."""
        if not keys:
            return {}
        loop = asyncio.get_running_loop()
        futures: dict[str, asyncio.Future[bytes | None]] = {key: loop.create_future() for key in keys}
        self._loading |= futures
        found: dict[str, bytes] = {}
        try:
            found = await self._get_or_load(keys, load, seconds)
        except BaseException as error:
            for future in futures.values():
                future.set_exception(
                    error if isinstance(error, Exception) else ConnectionError("load was cancelled")
                )
                # Nobody need be waiting.
                future.exception()
            raise
        else:
            for key, future in futures.items():
                future.set_result(found.get(key))
        finally:
            for key in keys:
                del self._loading[key]
        return found

    async def _get_or_load(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        kept = await self.get_many(keys)
        found = {key: value for key, value in kept.items() if value != _ABSENT}
        missing = [key for key in keys if key not in kept]
        if missing:
            loaded = await load(missing)
            await self.set_many({key: loaded.get(key, _ABSENT) for key in missing}, seconds=seconds)
            found |= {key: loaded[key] for key in missing if key in loaded}
        return found

    async def _try(self, command: str, call: Callable[[], Awaitable[T]]) -> T | None:
        if time.monotonic() < self._down_until:
            return None
        try:
            with client_span("redis", command):
                answer = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._down_until = time.monotonic() + _PAUSE_SECONDS
            self._failures.inc()
            if not self._is_down:
                self._is_down = True
                _LOG.warning("cache.down", extra={"fields": {"error": type(error).__name__}})
            return None
        if self._is_down:
            self._is_down = False
            _LOG.info("cache.up")
        return answer
