"""Rate limits in a real Redis: what remains, whose bucket it is, and that nothing is rejected when Redis is down."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from kit.cache import PipelinedRedis
from kit.graphql.rate_limits import CredentialsRateLimited, RateLimited, RateLimiter
from kit.graphql.tests.options import RATES
from kit.testing import Redis, eventually
from kit.testing.fixtures import redis

__all__ = ["redis"]


def make_limiter(redis: Redis, **limits: Any) -> RateLimiter:
    return RateLimiter(PipelinedRedis(redis.url()), replace(RATES, **limits), "library")


@pytest.fixture
async def limiter(redis: Redis) -> AsyncIterator[RateLimiter]:
    limiter = make_limiter(redis)
    yield limiter
    await limiter.close()


def an_account() -> str:
    return f"acc_{uuid4()}"


async def test_a_charge_lowers_the_remaining_points(limiter: RateLimiter) -> None:
    account = an_account()
    first = await limiter.consume(account, "192.0.2.1", 30)
    assert (first.cost, first.limit, first.remaining, first.rejection) == (30, 100, 70, None)
    assert first.reset == pytest.approx(30_000, abs=2)
    assert (await limiter.consume(account, "192.0.2.1", 70)).remaining == 0
    rejected = await limiter.consume(account, "192.0.2.1", 5)
    assert isinstance(rejected.rejection, RateLimited)
    assert rejected.rejection.details["retry_after"] == pytest.approx(5_000, abs=2)
    assert rejected.headers()["Retry-After"] == str(rejected.rejection.details["retry_after"])


async def test_a_rejected_request_is_not_charged(limiter: RateLimiter) -> None:
    account = an_account()
    await limiter.consume(account, "", 80)
    assert (await limiter.consume(account, "", 50)).rejection is not None
    assert (await limiter.consume(account, "", 20)).rejection is None


async def test_points_are_regained_over_time(redis: Redis) -> None:
    fast = make_limiter(redis, points_per_second=200)
    account = an_account()
    assert (await fast.consume(account, "", 100)).rejection is None

    async def is_allowed() -> bool:
        return (await fast.consume(account, "", 20)).rejection is None

    assert not await is_allowed()
    await eventually(is_allowed)
    await fast.close()


async def test_a_cost_above_the_capacity_takes_all_points(limiter: RateLimiter) -> None:
    assert (await limiter.consume(an_account(), "", 1000)).remaining == 0


async def test_concurrent_requests_never_exceed_the_limit(limiter: RateLimiter, redis: Redis) -> None:
    others = [make_limiter(redis) for _ in range(3)]
    account = an_account()
    results = await asyncio.gather(
        *(replica.consume(account, "", 1) for replica in [limiter, *others] for _ in range(100))
    )
    assert sum(result.rejection is None for result in results) == 100
    for other in others:
        await other.close()


async def test_accounts_addresses_and_networks_have_separate_buckets(limiter: RateLimiter) -> None:
    address = f"203.0.113.{uuid4().int % 256}"
    await limiter.consume(None, address, 100)
    assert (await limiter.consume(None, address, 1)).rejection is not None
    assert (await limiter.consume(an_account(), address, 1)).rejection is None
    await limiter.consume(None, "2001:db8:1:2::1", 100)
    assert (await limiter.consume(None, "2001:db8:1:2:ffff::2", 1)).rejection is not None
    assert (await limiter.consume(None, "2001:db8:1:3::1", 1)).rejection is None


async def test_credential_attempts_have_a_bucket_per_address_for_all_accounts(limiter: RateLimiter) -> None:
    address = f"198.51.100.{uuid4().int % 256}"
    assert (await limiter.consume(None, address, 1, attempts=2)).rejection is None
    rejection = (await limiter.consume(an_account(), address, 1, attempts=2)).rejection
    assert isinstance(rejection, CredentialsRateLimited)
    assert (await limiter.consume(an_account(), address, 1)).rejection is None
    assert (await limiter.consume(None, address, 1, attempts=1)).rejection is None


async def test_without_redis_everything_is_allowed_and_counted(redis: Redis) -> None:
    before = REGISTRY.get_sample_value("souk_graphql_rate_limit_failures_total") or 0
    limiter = make_limiter(redis)
    account = an_account()
    await limiter.consume(account, "", 100)
    redis.stop()
    start = asyncio.get_running_loop().time()
    for _ in range(50):
        result = await limiter.consume(account, "", 1)
        assert (result.rejection, result.remaining, result.reset) == (None, 100, 0)
    assert asyncio.get_running_loop().time() - start < 2
    after = REGISTRY.get_sample_value("souk_graphql_rate_limit_failures_total")
    assert after == before + 50
    redis.start()

    async def is_limited() -> bool:
        return (await limiter.consume(account, "", 1)).remaining < 100

    await eventually(is_limited)
    await limiter.close()


async def test_a_redis_that_does_not_reply_delays_nothing() -> None:
    silent: list[Any] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limiter = RateLimiter(PipelinedRedis(f"redis://127.0.0.1:{port}"), RATES, "library")
    start = asyncio.get_running_loop().time()
    results = await asyncio.gather(*(limiter.consume(an_account(), "", 1) for _ in range(20)))
    assert all(result.rejection is None for result in results)
    assert asyncio.get_running_loop().time() - start < 1
    await limiter.close()
    server.close()
    for writer in silent:
        writer.close()
