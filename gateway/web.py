"""/graphql, as thin as it can be: reads a request, plans, charges and executes it, writes GraphQL's JSON whatever the status.

application/graphql-response+json is answered to clients that prefer it, with the statuses of the GraphQL over HTTP specification; to
others application/json, where every well-formed request is answered 200; text/event-stream by gateway.event_stream. Queries may come by
GET, and answers to those without a token may be cached.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, cast

import orjson
from litestar.types import HTTPScope, Receive, Scope, Send

from gateway.accepting import EVENTS, GRAPHQL_JSON, JSON, Accepted, accepted
from gateway.admission import Admission, NoQuery, NotByGet
from gateway.bodies import check_type, decoded, too_large
from gateway.caching import is_public, public, varying
from gateway.context import Context
from gateway.errors import BAD_REQUEST, of_request, of_souk_error
from gateway.event_stream import EventStream
from gateway.execution import LEAST_COST, Answer, Executor, Plan
from gateway.headers import METHODS, Headers
from gateway.listeners import Listeners
from gateway.metrics import COST, OPERATIONS
from gateway.rates import Rates, Spent
from gateway.reading import BadBody, read
from gateway.requests import Refused, Reply, Request
from gateway.settings import Settings
from kit.auth import Principal, TokenVerifier, bearer_token
from kit.errors import INTERNAL_MESSAGE, Internal, SoukError, Unauthenticated
from kit.errors.transport import http_status
from kit.rpc import Call, current_call
from kit.telemetry import correlation_id, get_logger
from kit.values.deadline import deadline

log = get_logger(__name__)

PATH: Final = "/graphql"
# What is too long is read to its end up to here, so that the client reads our answer rather than a broken connection.
_DISCARD_BYTES: Final = 8 * 1024 * 1024


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
        self._cache_seconds = settings.cache_seconds.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it; what nobody expected is an answer too."""
        request = Request(cast("HTTPScope", scope), receive)
        try:
            reply = await self._answer(request)
        except Exception:
            log.exception("graphql.broke")
            answer = Answer.no(Internal(INTERNAL_MESSAGE))
            reply = Reply(500, self._headers.of(request.headers.get("origin")), orjson.dumps(answer.body()))
        if isinstance(reply, Reply):
            await reply.send(send, head=request.method == "HEAD")
        else:
            await reply.send(send)

    async def _answer(self, request: Request) -> Reply | EventStream:
        origin = request.headers.get("origin")
        if request.method == "OPTIONS":
            return Reply(204, self._headers.preflight(origin), b"")
        headers = varying(request, self._headers.of(origin))
        takes = accepted(request.headers.get("accept"))
        media_type = GRAPHQL_JSON if takes.best == GRAPHQL_JSON else JSON
        address = self._headers.client(request.scope)
        try:
            self._check_request(request, takes)
            principal = await self._principal(request)
            plan, spent = await self._admitted(request, principal, address)
            listening = takes.events if plan.is_subscription else takes.best == EVENTS
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
                if is_public(request, answer, self._cache_seconds):
                    COST.inc(spent.cost)
                    return public(request, answer, headers, media_type, self._cache_seconds)
        if spent.refused is not None:
            answer, status = Answer.no(spent.refused), http_status(spent.refused)
            OPERATIONS.labels("none", "RATE_LIMITED").inc()
        COST.inc(spent.cost)
        headers |= spent.headers()
        content = orjson.dumps(answer.body({"cost": spent.extension()}), default=str)
        return Reply(status, headers, content, media_type)

    async def _admitted(
        self, request: Request, principal: Principal | None, address: str
    ) -> tuple[Plan, Spent]:
        try:
            if request.reads:
                body, size = request.asked_by_url(), len(request.scope["query_string"])
            else:
                content = decoded(await self._content(request), request.headers, self._most_bytes)
                body, size = read(content), len(content)
            return await self._admission.admit(body, size, principal, address, reads=request.reads)
        except NotByGet as error:
            raise Refused(405, of_souk_error(error), {"Allow": "POST"}) from error
        except (BadBody, NoQuery) as error:
            raise Refused(400, of_souk_error(error)) from error

    def _begin(self, plan: Plan, principal: Principal | None, address: str) -> None:
        # A task of its own for each request: these end with it. What is listened to has no end.
        if not plan.is_subscription:
            deadline.set(time.monotonic() + self._seconds)
        current_call.set(Call(principal, correlation_id.get(), address))

    def _stream(
        self,
        request: Request,
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

    async def _principal(self, request: Request) -> Principal | None:
        try:
            token = bearer_token(request.headers.get("authorization"))
            return None if token is None else await self._verifier.verify(token)
        except SoukError as error:
            raise Refused(http_status(error), of_souk_error(error)) from error

    async def _content(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._body_seconds):
                return await self._all(request)
        except TimeoutError:
            shown = of_request("the body did not come in time", BAD_REQUEST, "BODY_TOO_SLOW")
            raise Refused(408, shown, {"Connection": "close"}) from None

    async def _all(self, request: Request) -> bytes:
        chunks, size = [], 0
        async for chunk in request.body():
            size += len(chunk)
            if size <= self._most_bytes:
                chunks.append(chunk)
            elif size > _DISCARD_BYTES:
                break
        if size > self._most_bytes:
            raise too_large(self._most_bytes)
        return b"".join(chunks)

    def _check_request(self, request: Request, takes: Accepted) -> None:
        if request.method == "POST":
            check_type(request.headers)
        elif not request.reads:
            shown = of_request("GraphQL is asked by GET or POST", BAD_REQUEST, "METHOD_NOT_ALLOWED")
            raise Refused(405, shown, {"Allow": METHODS})
        elif self._headers.refuses(request.headers.get("origin"), request.headers.get("sec-fetch-site")):
            shown = of_request("a page of another site may not ask by GET", BAD_REQUEST, "CROSS_SITE")
            raise Refused(403, shown)
        if takes.best is None:
            message = f"Accept must allow {JSON}, {GRAPHQL_JSON} or {EVENTS}"
            raise Refused(406, of_request(message, BAD_REQUEST, "NOT_ACCEPTABLE"))


def _status(answer: Answer, media_type: str) -> int:
    return 400 if not answer.executed and media_type == GRAPHQL_JSON else 200


def _turned_away(refused: Refused) -> Answer:
    return Answer(None, (refused.shown,), executed=False, kind="none")
