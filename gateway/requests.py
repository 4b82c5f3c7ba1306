"""A request and its reply, as ASGI has them. Not here: what they mean."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from litestar.types import HTTPScope, Receive, Send

from gateway.accepting import JSON
from gateway.errors import BAD_REQUEST, Shown, of_request
from gateway.reading import BadBody, Body, read_object

# Of these, several lines are one list.
_LISTS: Final = frozenset({b"accept", b"if-none-match", b"content-encoding"})
_PARAMETERS: Final = ("query", "variables", "operationName", "extensions")
_MOST_PARAMETERS: Final = 20


@dataclass
class Refused(Exception):
    """A request that does not come to its execution."""

    status: int
    shown: Shown
    headers: dict[str, str] | None = None


class Request:
    """What GraphQL looks at of a request; of a header that came in several lines, the last, unless it is a list."""

    __slots__ = ("_receive", "headers", "method", "scope")

    def __init__(self, scope: HTTPScope, receive: Receive) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            if name in _LISTS and key in self.headers:
                text = f"{self.headers[key]}, {text}"
            self.headers[key] = text
        self._receive = receive

    @property
    def reads(self) -> bool:
        """Whether it is asked by the URL, and may change nothing."""
        return self.method in ("GET", "HEAD")

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises Refused when its client leaves before the end."""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                # What came may be a whole request by chance.
                raise Refused(400, of_request("the body ended early", BAD_REQUEST, "BODY_TRUNCATED"))
            yield message["body"]
            if not message.get("more_body"):
                return

    async def left(self) -> None:
        """Waits until the client has left, once the body has come."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def asked_by_url(self) -> Body:
        """What the query of its URL asks, as GraphQL over HTTP says; raises BadBody."""
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MOST_PARAMETERS,
            )
        except ValueError as error:
            raise BadBody("the URL's query must be percent-encoded UTF-8") from error
        given: dict[str, str] = {}
        for name, value in pairs:
            if name in given and name in _PARAMETERS:
                raise BadBody(f"{name} must be given once")
            given[name] = value
        return Body(
            given.get("query"),
            read_object(given.get("variables"), "variables"),
            given.get("operationName") or None,
            read_object(given.get("extensions"), "extensions"),
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes
    media_type: str = JSON

    async def send(self, send: Send, *, head: bool = False) -> None:
        """As ASGI has it; to a HEAD without the content."""
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status not in (204, 304):
            headers.append((b"content-type", self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.content)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        content = b"" if head else self.content
        await send({"type": "http.response.body", "body": content, "more_body": False})
