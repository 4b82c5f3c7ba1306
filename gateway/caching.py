"""What caches may keep: answers to queries by GET that nobody signed in for, since everybody gets the same.

They say nothing of the client that asked, neither its cost nor its rate. Everything else is not to be stored.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from gateway.execution import Answer
from gateway.requests import Reply, Request

# Who signed in gets an answer of their own, and media types differ.
_VARY: Final = "Accept, Authorization"


def varying(request: Request, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of an answer to a GET, which a cache might have kept for another request."""
    if not request.reads:
        return dict(headers)
    known = headers.get("Vary")
    return {**headers, "Vary": f"{_VARY}, {known}" if known else _VARY}


def is_public(request: Request, answer: Answer, seconds: float) -> bool:
    """Whether the answer is everybody's."""
    anonymous = "authorization" not in request.headers
    return (
        seconds > 0
        and request.reads
        and anonymous
        and answer.executed
        and not answer.errors
        and answer.kind == "query"
    )


def public(
    request: Request, answer: Answer, headers: dict[str, str], media_type: str, seconds: float
) -> Reply:
    """The answer with its validator, or 304 for a client that has it."""
    body: Any = answer.body()
    content = orjson.dumps(body, default=str)
    # The media type is part of what was answered.
    etag = f'"{sha256(media_type.encode() + content).hexdigest()[:32]}"'
    headers = {**headers, "Cache-Control": f"public, max-age={round(seconds)}", "ETag": etag}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Reply(304, headers, b"")
    return Reply(200, headers, content, media_type)


def _has(header: str, etag: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in header.split(",")]
    return etag in known or known == ["*"]
