"""Where Redis is and how to sign in to it, read from its URL as redis-py reads it; importing redis-py for this takes 13 MB."""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

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
        query = dict(parse_qsl(parts.query))
        is_socket = parts.scheme == "unix"
        database = query.get("db") or ("" if is_socket else unquote(parts.path).strip("/"))
        if database and not database.isdecimal():
            raise ValueError("the database in the URL of Redis must be a number")
        return cls(
            host=unquote(parts.hostname or "") or "127.0.0.1",
            port=parts.port or 6379,
            path=unquote(parts.path) if is_socket else "",
            tls=parts.scheme == "rediss",
            user=unquote(parts.username or "") or query.get("username", ""),
            password=unquote(parts.password or "") or query.get("password", ""),
            database=int(database or 0),
        )
