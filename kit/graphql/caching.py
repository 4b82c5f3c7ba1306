"""HTTP caching: responses to queries by GET without a token are public, all others must not be stored.

A public response is the same for every client, so it says nothing about cost or rate.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from kit.graphql.messages import Request, Response
from kit.graphql.results import OperationResult

_VARY: Final = "Accept, Authorization"


def with_vary(request: Request, headers: Mapping[str, str]) -> dict[str, str]:
    """The response's headers; the response to a GET depends on the token and on the accepted media types."""
    if not request.read_only:
        return dict(headers)
    vary = headers.get("Vary")
    return {**headers, "Vary": f"{_VARY}, {vary}" if vary else _VARY}


def is_public(request: Request, result: OperationResult, seconds: float) -> bool:
    """Whether caches may store the response."""
    return (
        seconds > 0
        and request.read_only
        and "authorization" not in request.headers
        and result.executed
        and not result.errors
        and result.kind == "query"
    )


def public_response(
    request: Request, result: OperationResult, headers: dict[str, str], media_type: str, seconds: float
) -> Response:
    """The response with its ETag, or 304 for a client that already has it."""
    body: Any = result.body()
    content = orjson.dumps(body, default=str)
    # Two media types of one result are different representations.
    etag = f'"{sha256(media_type.encode() + content).hexdigest()[:32]}"'
    headers = {**headers, "Cache-Control": f"public, max-age={round(seconds)}", "ETag": etag}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(304, headers, b"")
    return Response(200, headers, content, media_type)


def _matches(header: str, etag: str) -> bool:
    etags = [part.strip().removeprefix("W/") for part in header.split(",")]
    return etag in etags or etags == ["*"]
