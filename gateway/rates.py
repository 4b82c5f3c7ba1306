"""How much a client may ask in a while: GCRA, the token bucket that is one number, in Redis, for all replicas together.

A client is an account, else a network address. Signing in has a bucket of its own for each address. With Redis away everything is
allowed, counted and logged; account's own throttle of logins does not need Redis. Not here: what a document costs, see gateway.cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from math import ceil
from typing import Any, Final, Protocol

import hiredis

from gateway.metrics import RATE_LIMIT_FAILURES, RATE_LIMITED
from gateway.settings import Settings
from kit.errors import ResourceExhausted
from kit.telemetry import get_logger
from kit.values import client_network

log = get_logger(__name__)

# For each bucket: milliseconds a point, how many points it holds, how many are asked. All are taken, or none. Redis has the clock. The last
# argument is what the first bucket pays for a refusal, as far as it has that. A bucket is kept as the moment when it would be full again.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local answer, full, allowed = {}, {}, true
for i = 1, #KEYS do
  local every, holds = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local asked = math.min(tonumber(ARGV[3 * i]), holds)
  local at = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  full[i] = {at, at + asked * every, every, holds}
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
_PREFIX: Final = "gateway:rate:"
_SIGN_IN: Final = "gateway:sign-in:"


class RateLimited(ResourceExhausted):
    """The client asked for more than it may just now; details say after how many seconds it may again."""

    reason = "RATE_LIMITED"


class SignInRateLimited(RateLimited):
    """Too many tries to sign in, or to register, from one address."""

    reason = "SIGN_IN_RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request cost, and what its client has left; `reset` is in seconds, until everything is there again."""

    cost: int
    limit: int
    remaining: int
    reset: int
    refused: RateLimited | None = None

    def extension(self) -> dict[str, int]:
        """As extensions.cost says it."""
        return {
            "cost": self.cost,
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": self.reset,
        }

    def headers(self) -> dict[str, str]:
        """As headers say it."""
        said = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        if self.refused is not None:
            said["Retry-After"] = str(self.refused.details["retry_after"])
        return said


class Line(Protocol):
    """What is needed of Redis."""

    async def ask(self, *words: str | bytes | int) -> Any:
        """One command's answer; raises OSError and hiredis.ReplyError."""

    def close(self) -> None:
        """Hangs up."""


class Rates:
    """The buckets of everybody. A resource whose absence is felt by nobody."""

    name = "redis"

    def __init__(self, line: Line, settings: Settings) -> None:
        self._line = line
        self._points = settings.rate_limit_points
        self._point = f"{1000 / settings.rate_limit_points_per_second:.6f}"
        self._tries = settings.sign_in_tries
        self._try = f"{60_000 / settings.sign_in_tries_per_minute:.6f}"
        self._is_down = False

    async def open(self) -> None:
        """Nothing: the connection is made when needed."""

    async def close(self) -> None:
        """Hangs up."""
        self._line.close()

    async def ping(self) -> None:
        """Raises OSError when Redis does not answer."""
        await self._line.ask("PING")

    async def spend(
        self, account_id: str | None, address: str, cost: int, sign_ins: int = 0, *, least: int = 0
    ) -> Spent:
        """Takes what a request costs from its client's bucket, and its tries to sign in from its address's.

        All is taken or nothing; but `least` is what refusing it costs, and is taken as far as the client has it.
        """
        network = client_network(address)
        keys = [_PREFIX + (account_id or network)]
        asked: list[str | int] = [self._point, self._points, cost]
        if sign_ins:
            keys.append(_SIGN_IN + network)
            asked += [self._try, self._tries, sign_ins]
        try:
            answer = await self._run(keys, [*asked, least])
        except (OSError, hiredis.HiredisError) as error:
            return self._unknown(cost, error)
        if self._is_down:
            self._is_down = False
            log.info("rates.up")
        return self._spent(cost, answer)

    async def _run(self, keys: Sequence[str], asked: Sequence[str | int]) -> Any:
        try:
            return await self._line.ask("EVALSHA", _DIGEST, len(keys), *keys, *asked)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            return await self._line.ask("EVAL", SCRIPT, len(keys), *keys, *asked)

    def _spent(self, cost: int, answer: Sequence[Sequence[int]]) -> Spent:
        remaining, reset, wait = answer[0]
        refused: RateLimited | None = None
        if wait:
            refused = RateLimited(
                "too many requests; try again later", details={"retry_after": ceil(wait / 1000)}
            )
        elif len(answer) > 1 and answer[1][2]:
            after = ceil(answer[1][2] / 1000)
            refused = SignInRateLimited(
                "too many tries to sign in; try again later", details={"retry_after": after}
            )
        if refused is not None:
            RATE_LIMITED.labels(refused.reason).inc()
        return Spent(cost, self._points, remaining, ceil(reset / 1000), refused)

    def _unknown(self, cost: int, error: Exception) -> Spent:
        RATE_LIMIT_FAILURES.inc()
        if not self._is_down:
            self._is_down = True
            log.warning("rates.down", error=type(error).__name__)
        return Spent(cost, self._points, self._points, 0)
