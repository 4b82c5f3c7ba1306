"""The contract of the attempt store, and limits across replicas."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from account.attempts.domain import AttemptLimit, Bucket
from account.attempts.errors import LoginThrottled
from account.attempts.use_cases import Throttle
from account.tests.stores import NOW, World, real, world
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now

__all__ = ["database_url", "postgres", "real", "world"]

WINDOW_START = NOW - timedelta(minutes=15)


async def test_attempts_can_be_reset(world: World) -> None:
    store = world[1]
    await store.count_attempts(["a", "b"], NOW, WINDOW_START)
    await store.reset_attempts(["a", "c"])
    assert await store.count_attempts(["a", "b"], NOW, WINDOW_START) == [(1, NOW), (2, NOW)]


async def test_attempts_are_counted_within_their_window(world: World) -> None:
    store = world[1]
    assert await store.count_attempts(["b", "a"], NOW, WINDOW_START) == [(1, NOW), (1, NOW)]
    assert await store.count_attempts(["a"], NOW, WINDOW_START) == [(2, NOW)]
    await store.refund_attempts(["a", "b"])
    assert await store.count_attempts(["a", "b"], NOW, WINDOW_START) == [(2, NOW), (1, NOW)]
    later = NOW + timedelta(minutes=16)
    assert await store.count_attempts(["a"], later, later - timedelta(minutes=15)) == [(1, later)]


async def test_parallel_attempts_are_all_counted(world: World) -> None:
    store = world[1]
    keys = [["a", "b"], ["b", "a"]] * 20
    counts = await asyncio.gather(*(store.count_attempts(pair, NOW, WINDOW_START) for pair in keys))
    assert max(count for pair in counts for count, _ in pair) == 40


async def test_guesses_hold_their_places_until_they_finish_or_expire(world: World) -> None:
    db, store = world
    later = NOW + timedelta(seconds=15)

    async def buckets(now: datetime = NOW) -> list[Bucket]:
        async with db.transaction() as tx:
            locked: list[Bucket] = await store.lock_buckets(tx, ["b", "a"], now, now - timedelta(minutes=15))
        return locked

    assert await buckets() == [Bucket(0, 0, NOW)] * 2
    async with db.transaction() as tx:
        await store.start_guess(tx, "1", ["b", "a"], later)
        await store.start_guess(tx, "2", ["b"], later)
    assert await buckets() == [Bucket(0, 2, NOW), Bucket(0, 1, NOW)]
    assert [bucket.guesses for bucket in await buckets(later)] == [0, 0]
    await store.finish_guess("1", ["b", "a"], NOW + timedelta(seconds=1), WINDOW_START, wrong=True)
    await store.finish_guess("2", ["b"], NOW + timedelta(seconds=2), WINDOW_START, wrong=False)
    assert await buckets() == [Bucket(1, 0, NOW + timedelta(seconds=1))] * 2
    next_window = NOW + timedelta(minutes=17)
    await store.finish_guess("3", ["b"], next_window, NOW + timedelta(minutes=2), wrong=True)
    assert (await buckets(next_window))[0] == Bucket(1, 0, next_window)


async def test_replicas_together_check_no_more_guesses_than_may_be_wrong(real: World) -> None:
    db, store = real
    replicas = [Throttle(db, store, utc_now, max_waiting=100) for _ in range(2)]
    limits = [AttemptLimit("account", "john", 10), AttemptLimit("network", "here", 100)]
    checking = max_checking = 0

    async def guess(number: int) -> str:
        nonlocal checking, max_checking
        try:
            async with replicas[number % 2].guess(limits) as guess:
                checking += 1
                max_checking = max(max_checking, checking)
                await db.fetchval("SELECT pg_sleep(0.05)")
                checking -= 1
                guess.wrong = number % 4 == 0
                return "wrong" if guess.wrong else "right"
        except LoginThrottled:
            return "throttled"

    first = Counter(await asyncio.gather(*(guess(number) for number in range(32))))
    assert first == {"right": 24, "wrong": 8}
    assert max_checking <= 10
    second = Counter(await asyncio.gather(*(guess(0) for _ in range(32))))
    assert second == {"wrong": 2, "throttled": 30}
    assert await db.fetchval("SELECT count(*) FROM guesses") == 0
