"""Rate limits: GCRA (a token bucket stored as one number) in Redis, shared by all replicas.

A client is an account, else a network address. Credential attempts have a second bucket for each address. When Redis is unavailable,
requests are allowed, counted and logged. Not here: what a document costs (kit.graphql.cost).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from math import ceil
from typing import Any, Final, Protocol

import hiredis

from kit.errors import ResourceExhausted
from kit.graphql.metrics import RATE_LIMIT_FAILURES, RATE_LIMITED
from kit.graphql.options import RateLimits
from kit.telemetry import get_logger
from kit.values import client_network

log = get_logger(__name__)

# ARGV per bucket: milliseconds per point, capacity, requested points; then the points that a rejection costs in the first bucket, as far as
# it has them. All buckets are charged or none. Uses Redis time. A bucket is stored as its theoretical arrival time, when it is full again.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local answer, full, allowed = {}, {}, true
for i = 1, #KEYS do
  local every, holds = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local requested = math.min(tonumber(ARGV[3 * i]), holds)
  local at = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  full[i] = {at, at + requested * every, every, holds}
  local wait = full[i][2] - now - holds * every
  answer[i] = {0, 0, math.max(0, math.ceil(wait))}
  if wait > 0.01 then allowed = false else answer[i][3] = 0 end
end
for i = 1, #KEYS do
  local at = allowed and full[i][2] or full[i][1]
  if not allowed and i == 1 then
    local left = math.floor(full[1][4] - (at - now) / full[1][3] + 0.001)
    at = at + math.max(0, math.min(tonumber(ARGV[#ARGV]), left)) * full[1][3]
  end
  if at > full[i][1] then
    redis.call('SET', KEYS[i], string.format('%.4f', at), 'PX', math.ceil(at - now) + 1000)
  end
  answer[i][1] = math.max(0, math.floor(full[i][4] - (at - now) / full[i][3] + 0.001))
  answer[i][2] = math.ceil(at - now)
end
return answer
"""
_DIGEST: Final = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RateLimited(ResourceExhausted):
    """The client's bucket is empty; `details` holds the seconds until it may retry."""

    reason = "RATE_LIMITED"


class CredentialsRateLimited(RateLimited):
    """Too many login attempts, registrations or password resets from one address."""

    reason = "SIGN_IN_RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """What a request cost and what its client has left; `reset` is in seconds, until its bucket is full."""

    cost: int
    limit: int
    remaining: int
    reset: int
    rejection: RateLimited | None = None

    def extension(self) -> dict[str, int]:
        """The response's extensions.cost."""
        return {
            "cost": self.cost,
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": self.reset,
        }

    def headers(self) -> dict[str, str]:
        """The response's headers."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        if self.rejection is not None:
            headers["Retry-After"] = str(self.rejection.details["retry_after"])
        return headers


class RedisClient(Protocol):
    """The part of a Redis client that is needed here: `kit.cache.PipelinedRedis`."""

    async def execute(self, *command: str | bytes | int) -> Any:
        """One command's reply. Raises OSError and hiredis.ReplyError."""

    def close(self) -> None:
        """Closes the connection."""


class RateLimiter:
    """All clients' buckets. An optional resource: without Redis every request is allowed."""

    name = "redis"

    def __init__(self, redis: RedisClient, limits: RateLimits, prefix: str) -> None:
        self._redis = redis
        self._limits = limits
        self._point_ms = f"{1000 / limits.points_per_second:.6f}"
        self._attempt_ms = f"{60_000 / limits.credential_attempts_per_minute:.6f}"
        self._client_key = f"{prefix}:rate:"
        self._credentials_key = f"{prefix}:sign-in:"
        self._is_down = False

    async def open(self) -> None:
        """Does nothing: the connection is opened when needed."""

    async def close(self) -> None:
        """Closes the connection."""
        self._redis.close()

    async def ping(self) -> None:
        """Raises OSError when Redis does not respond."""
        await self._redis.execute("PING")

    async def consume(
        self, account_id: str | None, address: str, cost: int, attempts: int = 0, *, minimum: int = 0
    ) -> RateLimitResult:
        """Charges the client's bucket, and the address's for credential attempts: both or neither.

        A rejected request is charged `minimum`, as far as the client has it.
        """
        network = client_network(address)
        keys = [self._client_key + (account_id or network)]
        arguments: list[str | int] = [self._point_ms, self._limits.points, cost]
        if attempts:
            keys.append(self._credentials_key + network)
            arguments += [self._attempt_ms, self._limits.credential_attempts, attempts]
        try:
            reply = await self._run_script(keys, [*arguments, minimum])
        except (OSError, hiredis.HiredisError) as error:
            return self._fail_open(cost, error)
        if self._is_down:
            self._is_down = False
            log.info("rate_limiter.redis_recovered")
        return self._result(cost, reply)

    async def _run_script(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        try:
            return await self._redis.execute("EVALSHA", _DIGEST, len(keys), *keys, *arguments)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            return await self._redis.execute("EVAL", SCRIPT, len(keys), *keys, *arguments)

    def _result(self, cost: int, reply: Sequence[Sequence[int]]) -> RateLimitResult:
        remaining, reset, wait = reply[0]
        rejection: RateLimited | None = None
        if wait:
            details = {"retry_after": ceil(wait / 1000)}
            rejection = RateLimited("too many requests; try again later", details=details)
        elif len(reply) > 1 and reply[1][2]:
            details = {"retry_after": ceil(reply[1][2] / 1000)}
            rejection = CredentialsRateLimited("too many login attempts; try again later", details=details)
        if rejection is not None:
            RATE_LIMITED.labels(rejection.reason).inc()
        return RateLimitResult(cost, self._limits.points, remaining, ceil(reset / 1000), rejection)

    def _fail_open(self, cost: int, error: Exception) -> RateLimitResult:
        RATE_LIMIT_FAILURES.inc()
        if not self._is_down:
            self._is_down = True
            log.warning("rate_limiter.redis_unavailable", error=type(error).__name__)
        points = self._limits.points
        return RateLimitResult(cost, points, points, 0)
