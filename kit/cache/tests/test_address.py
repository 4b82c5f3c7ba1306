"""URLs of Redis."""

import pytest

from kit.cache.address import RedisAddress

PLAIN = RedisAddress(host="h", port=6379, path="", tls=False, user="", password="", database=0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", PLAIN),
        ("redis://h/", PLAIN),
        ("redis://h:6379/0", PLAIN),
        ("redis://h:7/3", {"port": 7, "database": 3}),
        ("redis://h?db=3", {"database": 3}),
        ("redis://", {"host": "127.0.0.1"}),
        ("redis://[::1]", {"host": "::1"}),
        ("redis://:se%2Fcret@h", {"password": "se/cret"}),
        ("redis://john%40souk:p@h", {"user": "john@souk", "password": "p"}),
        ("rediss://h", {"tls": True}),
        ("unix:///run/a%20b", {"host": "127.0.0.1", "path": "/run/a b"}),
        ("unix://u:p@/run/redis?db=2", {"path": "/run/redis", "user": "u", "password": "p", "database": 2}),
        ("redis://h:7?password=p&username=u", {"user": "u", "password": "p", "database": 0}),
    ],
)
def test_a_url_says_where_redis_is(url: str, expected: object) -> None:
    result = RedisAddress.parse(url)
    if isinstance(expected, dict):
        assert {name: getattr(result, name) for name in expected} == expected
    else:
        assert result == expected


@pytest.mark.parametrize(
    "url", ["http://h", "h:6379", "", "redis://h/cache", "redis://h:port", "redis://h?db=x"]
)
def test_another_url_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|[Pp]ort|db"):
        RedisAddress.parse(url)
