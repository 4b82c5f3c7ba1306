"""An HTTP request and its response over ASGI. Not here: their meaning."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from litestar.types import HTTPScope, Receive, Send

from kit.graphql.content_negotiation import JSON
from kit.graphql.errors import BAD_REQUEST, FormattedError, format_request_error

# Most headers of a response are the same in each, or differ in a small number.
_ENCODED_HEADERS: Final = 4096
# The headers that something here reads.
_READ: Final = {
    name.encode(): name
    for name in (
        "accept",
        "authorization",
        "content-encoding",
        "content-type",
        "if-none-match",
        "origin",
        "sec-fetch-site",
    )
}
# Several headers of these names form one list.
_LISTS: Final = frozenset({b"accept", b"if-none-match", b"content-encoding"})


@dataclass
class RequestRejected(Exception):
    """A request that is not executed; `headers` are added to the response's."""

    status: int
    error: FormattedError
    headers: dict[str, str] | None = None


def reject(status: int, message: str, reason: str, headers: dict[str, str] | None = None) -> RequestRejected:
    """A malformed request."""
    return RequestRejected(status, format_request_error(message, BAD_REQUEST, reason), headers)


class Request:
    """A request; of a repeated header the last one counts, unless it is a list. `headers` has only those that are read here."""

    __slots__ = ("_receive", "headers", "method", "scope")

    def __init__(self, scope: HTTPScope, receive: Receive) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            if (key := _READ.get(name)) is not None:
                text = value.decode("latin-1")
                if name in _LISTS and key in self.headers:
                    text = f"{self.headers[key]}, {text}"
                self.headers[key] = text
        self._receive = receive

    @property
    def read_only(self) -> bool:
        """Whether the method promises to change nothing; the operation is in the URL then."""
        return self.method in ("GET", "HEAD")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises RequestRejected if the client disconnects before its end."""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                # A truncated body may happen to be a valid request.
                raise reject(
                    400, "the client closed the connection before the end of the body", "BODY_TRUNCATED"
                )
            yield message["body"]
            if not message.get("more_body"):
                return

    async def wait_for_disconnect(self) -> None:
        """Call it after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True, slots=True)
class Response:
    """A response with a complete body."""

    status: int
    headers: dict[str, str]
    content: bytes
    media_type: str = JSON

    async def send(self, send: Send, *, head: bool = False) -> None:
        """`head`: without the content."""
        headers = encode_headers(self.headers)
        if self.status not in (204, 304):
            headers.append((b"content-type", self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.content)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        content = b"" if head else self.content
        await send({"type": "http.response.body", "body": content, "more_body": False})


def encode_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [_encode_header(name, value) for name, value in headers.items()]


@lru_cache(_ENCODED_HEADERS)
def _encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.encode("latin-1")
