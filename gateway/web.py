"""POST /graphql, as thin as it can be: reads a request, plans, charges and executes it, writes GraphQL's JSON whatever the status.

application/graphql-response+json is answered to those who ask for it, with the statuses of the GraphQL over HTTP specification; to
others application/json, where every well-formed request is answered 200. Who accepts text/event-stream is answered by gateway.event_stream.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, cast

import orjson
from litestar.types import HTTPScope, Receive, Scope, Send

from gateway.admission import Admission, NoQuery
from gateway.context import Context
from gateway.errors import BAD_REQUEST, Shown, of_request, of_souk_error
from gateway.event_stream import MEDIA_TYPE as EVENTS
from gateway.event_stream import EventStream
from gateway.execution import LEAST_COST, Answer, Executor, Plan
from gateway.headers import Headers
from gateway.listeners import Listeners
from gateway.metrics import COST, OPERATIONS
from gateway.rates import Rates, Spent
from gateway.reading import BadBody, read
from gateway.settings import Settings
from kit.auth import Principal, TokenVerifier, bearer
from kit.errors import Internal, SoukError, Unauthenticated
from kit.errors.transport import http_status
from kit.rpc import Call, current_call
from kit.rpc.status import UNEXPECTED
from kit.telemetry import correlation_id, get_logger
from kit.values.deadline import deadline

log = get_logger(__name__)

PATH: Final = "/graphql"
JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
# What is too long is read to its end up to here, so that the client reads our answer rather than a broken connection.
_DISCARD_BYTES: Final = 8 * 1024 * 1024


class _Request:
    """What GraphQL looks at of a request; of a header that came in several lines, the last."""

    __slots__ = ("_receive", "headers", "method", "scope")

    def __init__(self, scope: HTTPScope, receive: Receive) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive = receive

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes; it ends where its client has left."""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return
            yield message["body"]
            if not message.get("more_body"):
                return

    async def left(self) -> None:
        """Waits until the client has left, once the body has come."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes
    media_type: str = JSON

    async def send(self, send: Send) -> None:
        """As ASGI has it."""
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status != 204:
            headers.append((b"content-type", self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.content)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content, "more_body": False})


@dataclass
class Refused(Exception):
    """A request that does not come to its execution."""

    status: int
    shown: Shown
    headers: dict[str, str] | None = None


class GraphQL:
    """The endpoint: an ASGI application of its own, since a framework's share of a request was a tenth of what the gateway did in it."""

    def __init__(
        self,
        settings: Settings,
        executor: Executor,
        context: Callable[[Principal | None], Context],
        verifier: TokenVerifier,
        rates: Rates,
        admission: Admission,
        listeners: Listeners,
    ) -> None:
        self._executor = executor
        self._context = context
        self._verifier = verifier
        self._rates = rates
        self._admission = admission
        self._listeners = listeners
        self._headers = Headers(settings)
        self._seconds = settings.request_seconds.total_seconds()
        self._body_seconds = settings.body_seconds.total_seconds()
        self._most_bytes = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it; what nobody expected is an answer too."""
        request = _Request(cast("HTTPScope", scope), receive)
        try:
            reply = await self._answer(request)
        except Exception:
            log.exception("graphql.broke")
            answer = Answer.no(Internal(UNEXPECTED))
            reply = Reply(500, self._headers.of(request.headers.get("origin")), orjson.dumps(answer.body()))
        await reply.send(send)

    async def _answer(self, request: "_Request") -> "Reply | EventStream":
        origin = request.headers.get("origin")
        if request.method == "OPTIONS":
            return Reply(204, self._headers.preflight(origin), b"")
        headers = self._headers.of(origin)
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        address = self._headers.client(request.scope)
        try:
            _check_request(request)
            principal = await self._principal(request)
            content = await self._content(request)
            plan, spent = await self._admitted(content, principal, address)
            listening = EVENTS in request.headers.get("accept", "")
            if listening and plan.is_subscription and principal is None:
                raise Refused(401, of_souk_error(Unauthenticated("sign in first")))
        except Refused as refused:
            OPERATIONS.labels("none", refused.shown["extensions"]["code"]).inc()
            spent = await self._rates.spend(None, address, LEAST_COST)
            answer, status = _turned_away(refused), refused.status
            headers |= refused.headers or {}
        else:
            if spent.refused is None:
                self._begin(plan, principal, address)
                if listening:
                    COST.inc(spent.cost)
                    return self._stream(
                        request, plan, principal, headers | spent.headers(), spent.extension()
                    )
                answer = await self._executor.run(plan, self._context(principal))
                status = _status(answer, media_type)
        if spent.refused is not None:
            answer, status = Answer.no(spent.refused), http_status(spent.refused)
            OPERATIONS.labels("none", "RATE_LIMITED").inc()
        COST.inc(spent.cost)
        headers |= spent.headers()
        content = orjson.dumps(answer.body({"cost": spent.extension()}), default=str)
        return Reply(status, headers, content, media_type)

    async def _admitted(
        self, content: bytes, principal: Principal | None, address: str
    ) -> tuple[Plan, Spent]:
        try:
            return await self._admission.admit(read(content), len(content), principal, address)
        except (BadBody, NoQuery) as error:
            raise Refused(400, of_souk_error(error)) from error

    def _begin(self, plan: Plan, principal: Principal | None, address: str) -> None:
        # A task of its own for each request: these end with it. What is listened to has no end.
        if not plan.is_subscription:
            deadline.set(time.monotonic() + self._seconds)
        current_call.set(Call(principal, correlation_id.get(), address))

    def _stream(
        self,
        request: "_Request",
        plan: Plan,
        principal: Principal | None,
        headers: dict[str, str],
        cost: dict[str, int],
    ) -> EventStream:
        # How long somebody listens says nothing of how fast we are.
        request.scope["path_template"] = f"{PATH} (events)"
        return EventStream(
            self._executor.stream(plan, self._context(principal)),
            {"cost": cost},
            headers,
            left=request.left,
            listeners=self._listeners,
            listener=principal if plan.is_subscription else None,
        )

    async def _principal(self, request: "_Request") -> Principal | None:
        try:
            token = bearer(request.headers.get("authorization"))
            return None if token is None else await self._verifier.verify(token)
        except SoukError as error:
            raise Refused(http_status(error), of_souk_error(error)) from error

    async def _content(self, request: "_Request") -> bytes:
        try:
            async with asyncio.timeout(self._body_seconds):
                return await self._all(request)
        except TimeoutError:
            shown = of_request("the body did not come in time", BAD_REQUEST, "BODY_TOO_SLOW")
            raise Refused(408, shown, {"Connection": "close"}) from None

    async def _all(self, request: "_Request") -> bytes:
        chunks, size = [], 0
        async for chunk in request.body():
            size += len(chunk)
            if size <= self._most_bytes:
                chunks.append(chunk)
            elif size > _DISCARD_BYTES:
                break
        if size > self._most_bytes:
            message = f"a request may have {self._most_bytes:,} bytes at most"
            raise Refused(413, of_request(message, BAD_REQUEST, "BODY_TOO_LARGE"))
        return b"".join(chunks)


def _check_request(request: "_Request") -> None:
    """POST with a JSON body only: neither a link nor a form of another site can make such a request unasked."""
    if request.method != "POST":
        shown = of_request("GraphQL is asked by POST", BAD_REQUEST, "METHOD_NOT_ALLOWED")
        raise Refused(405, shown, {"Allow": "POST"})
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != JSON:
        message = f"Content-Type must be {JSON}"
        raise Refused(415, of_request(message, BAD_REQUEST, "CONTENT_TYPE_NOT_ALLOWED"))


def _status(answer: Answer, media_type: str) -> int:
    return 400 if not answer.executed and media_type == GRAPHQL_JSON else 200


def _turned_away(refused: Refused) -> Answer:
    return Answer(None, (refused.shown,), executed=False, kind="none")
