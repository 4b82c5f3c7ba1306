"""The Redis connection: replies by order, errors, and URLs."""

import asyncio

import hiredis
import pytest

from kit.cache import PipelinedRedis
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis"]


async def test_concurrent_commands_get_their_own_replies(redis: Redis) -> None:
    client = PipelinedRedis(redis.url())
    replies = await asyncio.gather(*(client.execute("ECHO", str(number)) for number in range(100)))
    assert replies == [str(number).encode() for number in range(100)]
    client.close()


async def test_an_error_reply_is_raised_and_the_connection_stays_usable(redis: Redis) -> None:
    client = PipelinedRedis(redis.url())
    with pytest.raises(hiredis.ReplyError, match="unknown command"):
        await client.execute_many([("ECHO", "1"), ("NONSENSE",), ("ECHO", "2")])
    assert await client.execute_many([("ECHO", "1"), ("ECHO", b"2")]) == [b"1", b"2"]
    client.close()


async def test_password_and_database_of_the_url_are_used(redis: Redis) -> None:
    client = PipelinedRedis(redis.url())
    await client.execute("CONFIG", "SET", "requirepass", "se/cret")
    stranger = PipelinedRedis(redis.url())
    member = PipelinedRedis(redis.url().replace("redis://", "redis://:se%2Fcret@").rstrip("0") + "3")
    try:
        with pytest.raises(hiredis.ReplyError, match="NOAUTH"):
            await stranger.execute("PING")
        replies = await asyncio.gather(*(member.execute("CLIENT", "INFO") for _ in range(3)))
        assert all(b" db=3 " in reply for reply in replies)
    finally:
        await member.execute("CONFIG", "SET", "requirepass", "")
        for connection in (client, stranger, member):
            connection.close()


def test_a_url_of_another_scheme_is_rejected() -> None:
    with pytest.raises(ValueError, match="rediss"):
        PipelinedRedis("http://127.0.0.1:6379")
