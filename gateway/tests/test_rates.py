"""Buckets in a real Redis: what is left, who waits, whose bucket it is, and that nothing is refused when Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from gateway.rates import RateLimited, Rates, SignInRateLimited
from gateway.redis_line import RedisLine
from gateway.settings import Settings
from kit.settings import load
from kit.testing import Redis, eventually
from kit.testing.fixtures import redis

__all__ = ["redis"]


def settings(**environment: str) -> Settings:
    chosen = {
        "RATE_LIMIT_POINTS": "100",
        # One an hour: none comes back while a test runs.
        "RATE_LIMIT_POINTS_PER_SECOND": "0.001",
        "SIGN_IN_TRIES": "3",
        "SIGN_IN_TRIES_PER_MINUTE": "0.01",
    }
    return load(Settings, {"PROFILE": "development", **chosen, **environment})


@pytest.fixture
async def rates(redis: Redis) -> AsyncIterator[Rates]:
    rates = Rates(RedisLine(redis.url()), settings())
    yield rates
    await rates.close()


def somebody() -> str:
    return f"acc_{uuid4()}"


async def test_what_is_spent_is_missing_until_it_comes_back(rates: Rates) -> None:
    who = somebody()
    first = await rates.spend(who, "192.0.2.1", 30)
    assert (first.cost, first.limit, first.remaining, first.refused) == (30, 100, 70, None)
    assert first.reset == pytest.approx(30_000, abs=2)
    assert (await rates.spend(who, "192.0.2.1", 70)).remaining == 0
    refused = await rates.spend(who, "192.0.2.1", 5)
    assert isinstance(refused.refused, RateLimited)
    assert refused.refused.details["retry_after"] == pytest.approx(5_000, abs=2)
    assert refused.headers()["Retry-After"] == str(refused.refused.details["retry_after"])


async def test_what_was_refused_was_not_taken(rates: Rates) -> None:
    who = somebody()
    await rates.spend(who, "", 80)
    assert (await rates.spend(who, "", 50)).refused is not None
    assert (await rates.spend(who, "", 20)).refused is None


async def test_points_come_back_with_time(redis: Redis) -> None:
    quick = Rates(RedisLine(redis.url()), settings(RATE_LIMIT_POINTS_PER_SECOND="200"))
    who = somebody()
    assert (await quick.spend(who, "", 100)).refused is None

    async def back() -> bool:
        return (await quick.spend(who, "", 20)).refused is None

    assert not await back()
    await eventually(back)
    await quick.close()


async def test_what_costs_more_than_a_bucket_holds_takes_all_of_it(rates: Rates) -> None:
    assert (await rates.spend(somebody(), "", 1000)).remaining == 0


async def test_racing_requests_never_get_more_than_there_is(rates: Rates, redis: Redis) -> None:
    others = [Rates(RedisLine(redis.url()), settings()) for _ in range(3)]
    who = somebody()
    spent = await asyncio.gather(*(each.spend(who, "", 1) for each in [rates, *others] for _ in range(100)))
    assert sum(each.refused is None for each in spent) == 100
    for other in others:
        await other.close()


async def test_accounts_addresses_and_networks_have_buckets_of_their_own(rates: Rates) -> None:
    address = f"203.0.113.{uuid4().int % 256}"
    await rates.spend(None, address, 100)
    assert (await rates.spend(None, address, 1)).refused is not None
    assert (await rates.spend(somebody(), address, 1)).refused is None
    await rates.spend(None, "2001:db8:1:2::1", 100)
    assert (await rates.spend(None, "2001:db8:1:2:ffff::2", 1)).refused is not None
    assert (await rates.spend(None, "2001:db8:1:3::1", 1)).refused is None


async def test_signing_in_has_a_bucket_for_each_address_whoever_asks(rates: Rates) -> None:
    address = f"198.51.100.{uuid4().int % 256}"
    assert (await rates.spend(None, address, 1, sign_ins=2)).refused is None
    refused = (await rates.spend(somebody(), address, 1, sign_ins=2)).refused
    assert isinstance(refused, SignInRateLimited)
    assert (await rates.spend(somebody(), address, 1)).refused is None
    assert (await rates.spend(None, address, 1, sign_ins=1)).refused is None


async def test_without_redis_everything_is_allowed_and_counted(redis: Redis) -> None:
    before = REGISTRY.get_sample_value("souk_gateway_rate_limit_failures_total") or 0
    rates = Rates(RedisLine(redis.url()), settings())
    who = somebody()
    await rates.spend(who, "", 100)
    redis.stop()
    began = asyncio.get_running_loop().time()
    for _ in range(50):
        spent = await rates.spend(who, "", 1)
        assert (spent.refused, spent.remaining, spent.reset) == (None, 100, 0)
    assert asyncio.get_running_loop().time() - began < 2
    after = REGISTRY.get_sample_value("souk_gateway_rate_limit_failures_total")
    assert after == before + 50
    redis.start()

    async def counted() -> bool:
        return (await rates.spend(who, "", 1)).remaining < 100

    await eventually(counted)
    await rates.close()


async def test_a_redis_that_says_nothing_is_not_waited_for() -> None:
    silent: list[Any] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rates = Rates(RedisLine(f"redis://127.0.0.1:{port}"), settings())
    began = asyncio.get_running_loop().time()
    spent = await asyncio.gather(*(rates.spend(somebody(), "", 1) for _ in range(20)))
    assert all(each.refused is None for each in spent)
    assert asyncio.get_running_loop().time() - began < 1
    await rates.close()
    server.close()
    for writer in silent:
        writer.close()


async def test_the_password_and_the_number_of_the_url_are_used(redis: Redis) -> None:
    await RedisLine(redis.url()).ask("CONFIG", "SET", "requirepass", "secret")
    try:
        with pytest.raises(Exception, match="NOAUTH"):
            await RedisLine(redis.url()).ask("PING")
        line = RedisLine(redis.url().replace("redis://", "redis://:secret@").rstrip("0") + "3")
        asked = await asyncio.gather(*(line.ask("CLIENT", "INFO") for _ in range(3)))
        assert all(b" db=3 " in each for each in asked)
    finally:
        await line.ask("CONFIG", "SET", "requirepass", "")
        line.close()
