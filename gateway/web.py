"""POST /graphql, as thin as it can be: reads a request, executes it, writes the answer, which is GraphQL's JSON whatever its status.

application/graphql-response+json is answered to those who ask for it, with the statuses of the GraphQL over HTTP specification; to
others application/json, where every well-formed request is answered 200. Numbers of variables are exact decimals, never floats.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec
import orjson
from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from gateway.context import Context
from gateway.errors import BAD_REQUEST, Shown, of_request, of_souk_error
from gateway.execution import Answer, Executor
from gateway.metrics import OPERATIONS
from gateway.settings import Settings
from kit.auth import Principal, TokenVerifier, bearer
from kit.errors import SoukError
from kit.errors.transport import http_status
from kit.rpc import Call, current_call
from kit.telemetry import correlation_id
from kit.values.deadline import deadline

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
# What is too long is read to its end up to here, so that the client reads our answer rather than a broken connection.
_DISCARD_BYTES: Final = 8 * 1024 * 1024
_METHODS: Final = [
    HttpMethod.GET,
    HttpMethod.POST,
    HttpMethod.PUT,
    HttpMethod.PATCH,
    HttpMethod.DELETE,
]


class Body(msgspec.Struct):
    """A request as GraphQL over HTTP says."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - as it is sent
    extensions: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(Body, float_hook=Decimal)


@dataclass
class Refused(Exception):
    """A request that does not come to its execution."""

    status: int
    shown: Shown
    headers: dict[str, str] | None = None


class GraphQL:
    """The endpoint."""

    def __init__(
        self,
        settings: Settings,
        executor: Executor,
        context: Callable[[Principal | None], Context],
        verifier: TokenVerifier,
    ) -> None:
        self._executor = executor
        self._context = context
        self._verifier = verifier
        self._seconds = settings.request_seconds.total_seconds()
        self._most_bytes = settings.max_body_bytes
        self._hops = settings.proxy_hops

    def route(self) -> HTTPRouteHandler:
        """The route; its body has a limit of its own, so that what is beyond is answered in GraphQL's JSON too."""

        @route("/graphql", http_method=_METHODS, status_code=200, request_max_body_size=None)
        async def graphql(request: Request[Any, Any, Any]) -> Response[bytes]:
            return await self.answer(request)

        return graphql

    async def answer(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Answers a request, whatever it is."""
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        try:
            _check_request(request)
            principal = await self._principal(request)
            body = _read(await self._content(request))
            answer = await self._run(request, body, principal)
        except Refused as refused:
            OPERATIONS.labels("none", refused.shown["extensions"]["code"]).inc()
            return _response({"errors": [refused.shown]}, refused.status, media_type, refused.headers)
        return _response(answer.body(), _status(answer, media_type), media_type)

    async def _run(self, request: Request[Any, Any, Any], body: Body, principal: Principal | None) -> Answer:
        # A task of its own for each request: these end with it.
        deadline.set(time.monotonic() + self._seconds)
        current_call.set(Call(principal, correlation_id.get(), self._address(request)))
        context = self._context(principal)
        answer = await self._executor.run(body.query, body.variables, body.operationName, context)
        outcome = answer.errors[0]["extensions"]["code"] if answer.errors else "ok"
        OPERATIONS.labels(answer.kind, outcome).inc()
        return answer

    async def _principal(self, request: Request[Any, Any, Any]) -> Principal | None:
        try:
            token = bearer(request.headers.get("authorization"))
            return None if token is None else await self._verifier.verify(token)
        except SoukError as error:
            raise Refused(http_status(error), of_souk_error(error)) from error

    async def _content(self, request: Request[Any, Any, Any]) -> bytes:
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= self._most_bytes:
                chunks.append(chunk)
            elif size > _DISCARD_BYTES:
                break
        if size > self._most_bytes:
            raise Refused(
                413, of_request(f"a request may have {self._most_bytes:,} bytes at most", BAD_REQUEST)
            )
        return b"".join(chunks)

    def _address(self, request: Request[Any, Any, Any]) -> str:
        """The client's, as the outermost trusted proxy saw it."""
        if self._hops:
            seen = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",")]
            if len(seen) >= self._hops and seen[-self._hops]:
                return seen[-self._hops]
        return request.client.host if request.client else ""


def _check_request(request: Request[Any, Any, Any]) -> None:
    """POST with a JSON body only: neither a link nor a form of another site can make such a request unasked."""
    if request.method != HttpMethod.POST:
        shown = of_request("GraphQL is asked by POST", BAD_REQUEST)
        raise Refused(405, shown, {"Allow": "POST"})
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != JSON:
        raise Refused(415, of_request(f"Content-Type must be {JSON}", BAD_REQUEST))


def _read(content: bytes) -> Body:
    try:
        return _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"the body must be a GraphQL request in JSON: {error}"
        raise Refused(400, of_request(message, BAD_REQUEST)) from error


def _status(answer: Answer, media_type: str) -> int:
    return 400 if not answer.executed and media_type == GRAPHQL_JSON else 200


def _response(
    content: dict[str, Any], status: int, media_type: str, headers: dict[str, str] | None = None
) -> Response[bytes]:
    return Response(
        orjson.dumps(content, default=str),
        status_code=status,
        media_type=media_type,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **(headers or {})},
    )
