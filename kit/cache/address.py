"""Where Redis is and how to sign in to it, read from its URL as redis-py reads it."""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url

_SCHEMES: Final = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """A TCP port, or with `path` a Unix socket. An empty password means that none is sent."""

    host: str
    port: int
    path: str
    tls: bool
    user: str
    password: str
    database: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Reads redis://[[user]:password@]host[:port][/database], rediss:// with TLS, or unix://[[user]:password@]/path.

        The database may also be given as ?db=number. Raises ValueError for another scheme or a database that is no number.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"the URL of Redis must start with one of {', '.join(_SCHEMES)}")
        parsed = parse_url(url)
        if parts.scheme != "unix" and parts.path.strip("/") and "db" not in parsed:
            raise ValueError("the database in the URL of Redis must be a number")
        return cls(
            host=parsed.get("host", "127.0.0.1"),
            port=parsed.get("port", 6379),
            path=parsed.get("path", ""),
            tls=parts.scheme == "rediss",
            user=parsed.get("username", ""),
            password=parsed.get("password", ""),
            database=parsed.get("db", 0),
        )
