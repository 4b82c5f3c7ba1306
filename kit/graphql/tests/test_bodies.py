"""Bodies: encodings, limits, and those that cannot be read."""

import gzip
import json
import zlib

import pytest

from kit.graphql.tests.raw_posts import post_raw
from kit.graphql.tests.requests import error, world
from kit.graphql.tests.world import World

__all__ = ["world"]

SEARCH_BODY = json.dumps(
    {"query": "query($q: String) { titles(query: $q) { nodes { id } } }", "variables": {"q": "Süßes 🍬"}},
    ensure_ascii=False,
).encode()
TRUNCATED = ("BODY_NOT_COMPRESSED", "truncated")
FOLLOWED = ("BODY_NOT_COMPRESSED", "followed")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"\xef\xbb\xbf" + SEARCH_BODY, {}),
        (SEARCH_BODY, {"content-type": "application/json; charset=utf-8"}),
        (SEARCH_BODY, {"content-type": 'Application/JSON;charset="UTF-8"'}),
        (gzip.compress(SEARCH_BODY), {"content-encoding": "gzip"}),
        (gzip.compress(b"\xef\xbb\xbf" + SEARCH_BODY), {"content-encoding": "x-gzip"}),
        (zlib.compress(SEARCH_BODY), {"content-encoding": "deflate"}),
        (gzip.compress(SEARCH_BODY[:9]) + gzip.compress(SEARCH_BODY[9:]), {"content-encoding": "gzip"}),
        (gzip.compress(SEARCH_BODY) + gzip.compress(b""), {"content-encoding": "gzip"}),
        (SEARCH_BODY, {"content-encoding": "identity"}),
        (SEARCH_BODY.replace("🍬".encode(), b"\\ud83c\\udf6c"), {}),
    ],
)
async def test_supported_encodings_are_read(world: World, content: bytes, headers: dict[str, str]) -> None:
    response = await world.post(content, signed_in=False, **headers)
    assert "errors" not in response.json()
    assert world.library.calls[-1] == ("titles", {"query": "Süßes 🍬", "first": 20})


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason", "says"),
    [
        (SEARCH_BODY.decode().encode("utf-16"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-16-le"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-16-be"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-32"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (
            SEARCH_BODY,
            {"content-type": "application/json; charset=utf-16"},
            415,
            "CHARSET_NOT_ALLOWED",
            "utf-16",
        ),
        (
            SEARCH_BODY,
            {"content-type": "application/json; charset=iso-8859-1"},
            415,
            "CHARSET_NOT_ALLOWED",
            "iso-8859-1",
        ),
        (b'{"query": "{ \xfc }"}', {}, 400, "NOT_UTF8", "UTF-8"),
        (b'{"query": "{ \xed\xa0\xbd }"}', {}, 400, "NOT_UTF8", "UTF-8"),
        (b'{"query": "x", "variables": {"q": "\\ud83d"}}', {}, 400, "LONE_SURROGATE", "\\ud83d"),
        (b'{"query": "x", "variables": {"q": "\\ud83d and more"}}', {}, 400, "LONE_SURROGATE", "\\ud83d"),
        (b'{"query": "x", "variables": {"q": "more \\uDE00"}}', {}, 400, "LONE_SURROGATE", "\\uDE00"),
        (b'{"query": "x", "variables": {"\\ud83d\\u0041": 1}}', {}, 400, "LONE_SURROGATE", "half"),
        (b'{"query": "x", "variables": {"q": "\\\\ud83d', {}, 400, "BAD_REQUEST", "truncated"),
        (SEARCH_BODY[:-5], {}, 400, "BAD_REQUEST", "truncated"),
        (b"", {}, 400, "BAD_REQUEST", "JSON"),
        (b"\xef\xbb\xbf", {}, 400, "BAD_REQUEST", "JSON"),
        (SEARCH_BODY, {"content-encoding": "br"}, 415, "CONTENT_ENCODING_NOT_ALLOWED", "gzip"),
        (SEARCH_BODY, {"content-encoding": "gzip, gzip"}, 415, "CONTENT_ENCODING_NOT_ALLOWED", "gzip"),
        (SEARCH_BODY, {"content-encoding": "gzip"}, 400, "BODY_NOT_COMPRESSED", "Content-Encoding"),
        (
            gzip.compress(SEARCH_BODY)[:-9],
            {"content-encoding": "gzip"},
            400,
            "BODY_NOT_COMPRESSED",
            "truncated",
        ),
        (
            gzip.compress(SEARCH_BODY) + b"x",
            {"content-encoding": "gzip"},
            400,
            "BODY_NOT_COMPRESSED",
            "followed",
        ),
        (
            gzip.compress(b" " * 65536 + SEARCH_BODY),
            {"content-encoding": "gzip"},
            413,
            "BODY_TOO_LARGE",
            "65,536",
        ),
        (
            gzip.compress(SEARCH_BODY) + gzip.compress(b"x")[:-9],
            {"content-encoding": "gzip"},
            400,
            *TRUNCATED,
        ),
        (zlib.compress(SEARCH_BODY) + zlib.compress(b""), {"content-encoding": "deflate"}, 400, *FOLLOWED),
        (gzip.compress(SEARCH_BODY) + zlib.compress(b""), {"content-encoding": "gzip"}, 400, *FOLLOWED),
        (gzip.compress(b"") * 3000, {"content-encoding": "gzip"}, 400, *FOLLOWED),
        (gzip.compress(b" " * 40000) * 2, {"content-encoding": "gzip"}, 413, "BODY_TOO_LARGE", "65,536"),
        (zlib.compress(b" " * 50_000_000), {"content-encoding": "deflate"}, 413, "BODY_TOO_LARGE", "65,536"),
        (b"x" * 65_537, {"content-encoding": "gzip"}, 413, "BODY_TOO_LARGE", "65,536"),
    ],
)
async def test_an_unreadable_body_is_rejected_with_its_reason(
    world: World, content: bytes, headers: dict[str, str], status: int, reason: str, says: str
) -> None:
    response = await world.post(content, signed_in=False, **headers)
    assert (response.status_code, error(response)["reason"]) == (status, reason)
    assert error(response)["code"] == "BAD_REQUEST"
    assert says in response.json()["errors"][0]["message"]
    if reason == "CONTENT_ENCODING_NOT_ALLOWED":
        assert response.headers["accept-encoding"] == "gzip, deflate"
    assert world.library.calls == []


async def test_a_truncated_body_is_not_executed_even_if_it_is_a_valid_request(world: World) -> None:
    part = {"type": "http.request", "body": SEARCH_BODY, "more_body": True}
    sent = await post_raw(world.app, [part, {"type": "http.disconnect"}], 10_000)
    assert sent[0]["status"] == 400
    assert world.library.calls == []
