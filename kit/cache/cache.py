"""Cache-aside over Redis: single flight, TTLs with jitter, cached absences; works without Redis."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.telemetry import client_span, get_logger

log = get_logger(__name__)
_LOOKUPS = Counter("souk_cache_lookups_total", "Keys looked up in the cache, by result.", ["cache", "result"])
_FAILURES = Counter("souk_cache_failures_total", "Redis calls that failed.", ["cache"])

_CONNECT_SECONDS = 0.1
_ANSWER_SECONDS = 0.25
# After a failure Redis is not called for this long, so that an outage does not slow every request down.
_PAUSE_SECONDS = 1.0
# Marks a key as absent; no protobuf message of ours serializes to it.
_ABSENT = b"\xff"

T = TypeVar("T")
Load = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]


class Cache:
    """A resource that caches bytes under `prefix:key`.

    Without Redis every read misses, every write does nothing, and the failure is counted.
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
        """Does nothing: connections are opened when needed."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises RedisError unless Redis answers."""
        await self._redis.ping()

    async def get(self, key: str) -> bytes | None:
        """The cached value of a key."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The cached values; missing keys are left out."""
        if not keys:
            return {}
        # The client does not decode, so values are bytes, whatever its types say.
        values: Any = (
            await self._guarded("MGET", lambda: self._redis.mget([self._prefix + key for key in keys])) or []
        )
        hits = {key: value for key, value in zip(keys, values, strict=False) if value is not None}
        self._hits.inc(len(hits))
        self._misses.inc(len(keys) - len(hits))
        return hits

    async def set_many(self, values: Mapping[str, bytes], *, seconds: float) -> None:
        """Caches values for `seconds`, minus up to 10 % jitter so that they do not expire together."""
        if not values:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, value in values.items():
                pipe.set(self._prefix + key, value, px=int(seconds * random.uniform(900, 1000)))
            await self._guarded("SET", pipe.execute)

    async def delete(self, *keys: str) -> None:
        """Deletes keys."""
        if keys:
            await self._guarded("DEL", lambda: self._redis.delete(*[self._prefix + key for key in keys]))

    async def increment(self, key: str) -> None:
        """Increments a counter that starts at 0."""
        await self._guarded("INCR", lambda: self._redis.incr(self._prefix + key))

    async def get_or_load_many(self, keys: Sequence[str], load: Load, *, seconds: float) -> dict[str, bytes]:
        """The cached values; loads and caches the missing ones with `load`.

        Concurrent callers that miss the same key share one load. A key that `load` omits is cached as absent.
        """
        unique = list(dict.fromkeys(keys))
        in_flight = {key: self._loading[key] for key in unique if key in self._loading}
        values_by_key = await self._load_as_leader(
            [key for key in unique if key not in in_flight], load, seconds
        )
        for key, future in in_flight.items():
            value = await asyncio.shield(future)
            if value is not None:
                values_by_key[key] = value
        return values_by_key

    async def _load_as_leader(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        """Loads keys that no other task is loading; others await the same futures."""
        if not keys:
            return {}
        loop = asyncio.get_running_loop()
        futures: dict[str, asyncio.Future[bytes | None]] = {key: loop.create_future() for key in keys}
        self._loading |= futures
        values_by_key: dict[str, bytes] = {}
        try:
            values_by_key = await self._get_or_load(keys, load, seconds)
        except BaseException as error:
            for future in futures.values():
                future.set_exception(
                    error if isinstance(error, Exception) else ConnectionError("load was cancelled")
                )
                # There may be no waiter; without this asyncio logs the exception as never retrieved.
                future.exception()
            raise
        else:
            for key, future in futures.items():
                future.set_result(values_by_key.get(key))
        finally:
            for key in keys:
                del self._loading[key]
        return values_by_key

    async def _get_or_load(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        cached = await self.get_many(keys)
        values_by_key = {key: value for key, value in cached.items() if value != _ABSENT}
        missing = [key for key in keys if key not in cached]
        if missing:
            loaded = await load(missing)
            await self.set_many({key: loaded.get(key, _ABSENT) for key in missing}, seconds=seconds)
            values_by_key |= {key: loaded[key] for key in missing if key in loaded}
        return values_by_key

    async def _guarded(self, command: str, call: Callable[[], Awaitable[T]]) -> T | None:
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
                log.warning("cache.redis_unavailable", error=type(error).__name__)
            return None
        if self._is_down:
            self._is_down = False
            log.info("cache.redis_recovered")
        return answer
