"""Cache-aside over Redis: single flight, jittered lifetimes, cached absences, and no failure when Redis is down."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from hiredis import HiredisError
from prometheus_client import Counter

from kit.cache.pipelined_redis import PipelinedRedis
from kit.telemetry import client_span, get_logger

_LOG = get_logger(__name__)
_LOOKUPS = Counter("souk_cache_lookups_total", "Keys looked up in the cache, by result.", ["cache", "result"])
_FAILURES = Counter(
    "souk_cache_failures_total", "Calls that failed because Redis was unavailable.", ["cache"]
)

_REPLY_SECONDS: Final = 0.25
# The value of an absent key; no protobuf message of ours serializes to it.
_ABSENT: Final = b"\xff"

T = TypeVar("T")
Load = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]


class Cache:
    """Bytes under `prefix:key` for a limited time.

    Every method works without Redis: reads return nothing, writes do nothing, and the failure is counted.
    """

    name = "redis"

    def __init__(self, url: str, prefix: str) -> None:
        self._redis = PipelinedRedis(url, reply_seconds=_REPLY_SECONDS)
        self._prefix = prefix + ":"
        # Not kit.work.SingleFlight, which shares one call per key: here one MGET and one load serve many keys.
        self._loading: dict[str, asyncio.Future[bytes | None]] = {}
        self._is_down = False
        self._hits = _LOOKUPS.labels(prefix, "hit")
        self._misses = _LOOKUPS.labels(prefix, "miss")
        self._failures = _FAILURES.labels(prefix)

    async def open(self) -> None:
        """Does nothing: the connection is opened when needed."""

    async def close(self) -> None:
        """Closes the connection."""
        self._redis.close()

    async def ping(self) -> None:
        """Raises OSError when Redis does not respond."""
        await self._redis.execute("PING")

    async def get(self, key: str) -> bytes | None:
        """The cached value, if any."""
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The cached values; keys without one are omitted."""
        if not keys:
            return {}
        command = ["MGET", *(self._prefix + key for key in keys)]
        values = await self._guarded("MGET", lambda: self._redis.execute(*command)) or []
        cached = {key: value for key, value in zip(keys, values, strict=False) if value is not None}
        self._hits.inc(len(cached))
        if len(cached) < len(keys):
            self._misses.inc(len(keys) - len(cached))
        return cached

    async def set_many(self, values: Mapping[str, bytes], *, seconds: float) -> None:
        """Caches values for `seconds` minus up to a tenth, so that they do not all expire at once."""
        if values:
            commands = [
                ("SET", self._prefix + key, value, "PX", int(seconds * random.uniform(900, 1000)))
                for key, value in values.items()
            ]
            await self._guarded("SET", lambda: self._redis.execute_many(commands))

    async def delete(self, *keys: str) -> None:
        """Removes keys."""
        if keys:
            command = ["DEL", *(self._prefix + key for key in keys)]
            await self._guarded("DEL", lambda: self._redis.execute(*command))

    async def increment(self, key: str) -> None:
        """Adds one to a number, which starts at 0."""
        await self._guarded("INCR", lambda: self._redis.execute("INCR", self._prefix + key))

    async def get_or_load_many(self, keys: Sequence[str], load: Load, *, seconds: float) -> dict[str, bytes]:
        """The cached values; missing keys are loaded with `load` and cached.

        Concurrent callers that miss the same key wait for one load. A key that `load` omits is cached as absent.
        """
        unique = list(dict.fromkeys(keys))
        values = await self.get_many(unique)
        missing = [key for key in unique if key not in values]
        if missing:
            values |= await self._load(missing, load, seconds)
        return {key: value for key, value in values.items() if value != _ABSENT}

    async def _load(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        waiting = {key: self._loading[key] for key in keys if key in self._loading}
        own = [key for key in keys if key not in waiting]
        values = await self._load_as_leader(own, load, seconds) if own else {}
        for key, future in waiting.items():
            value = await asyncio.shield(future)
            if value is not None:
                values[key] = value
        return values

    async def _load_as_leader(self, keys: Sequence[str], load: Load, seconds: float) -> dict[str, bytes]:
        """Loads and caches keys that no other caller is loading; callers that come in the meantime wait for the futures."""
        loop = asyncio.get_running_loop()
        futures: dict[str, asyncio.Future[bytes | None]] = {key: loop.create_future() for key in keys}
        self._loading |= futures
        try:
            loaded = await load(keys)
            await self.set_many({key: loaded.get(key, _ABSENT) for key in keys}, seconds=seconds)
        except BaseException as error:
            _fail(futures.values(), error)
            raise
        else:
            for key, future in futures.items():
                future.set_result(loaded.get(key))
        finally:
            for key in keys:
                del self._loading[key]
        return dict(loaded)

    async def _guarded(self, command: str, call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            with client_span("redis", command):
                reply = await call()
        except (HiredisError, OSError) as error:
            self._failures.inc()
            if not self._is_down:
                self._is_down = True
                _LOG.warning("cache.redis_unavailable", error=type(error).__name__)
            return None
        if self._is_down:
            self._is_down = False
            _LOG.info("cache.redis_recovered")
        return reply


def _fail(futures: Iterable[asyncio.Future[bytes | None]], error: BaseException) -> None:
    reason = error if isinstance(error, Exception) else ConnectionError("load was cancelled")
    for future in futures:
        future.set_exception(reason)
        # Marks the exception as retrieved: there may be no waiter.
        future.exception()
