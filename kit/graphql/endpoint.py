"""The HTTP endpoint: reads a request, has it admitted and executed, writes the response.

Clients that prefer application/graphql-response+json get the statuses of the GraphQL over HTTP specification; others get application/json,
with 200 for every well-formed request. Queries may use GET.
"""

from typing import Final, NamedTuple, cast

import orjson
from litestar.types import HTTPScope, Receive, Scope, Send

from kit.auth import Principal, bearer_token
from kit.errors import INTERNAL_MESSAGE, Internal, SoukError, Unauthenticated
from kit.errors.transport import http_status
from kit.graphql.bodies import check_content_type, read_body
from kit.graphql.caching import is_public, public_response, with_vary
from kit.graphql.connections import ClientConnection, ClientConnections
from kit.graphql.content_negotiation import EVENTS, GRAPHQL_JSON, JSON, Accepted, negotiate
from kit.graphql.errors import format_souk_error
from kit.graphql.event_stream import EventStream
from kit.graphql.execution import PlannedOperation
from kit.graphql.headers import METHODS, Headers
from kit.graphql.messages import Request, RequestRejected, Response, reject
from kit.graphql.metrics import COST, OPERATIONS
from kit.graphql.operations import Client, MutationByGet, Operations
from kit.graphql.options import Options
from kit.graphql.parsing import BadRequest, parse_body, parse_url_query
from kit.graphql.rate_limits import RateLimitResult
from kit.graphql.results import OperationResult
from kit.rpc import Verifier
from kit.telemetry import get_logger

log = get_logger(__name__)

PATH: Final = "/graphql"


class _Exchange(NamedTuple):
    """One request with what its response needs; a tuple, because a frozen dataclass takes a microsecond to make."""

    request: Request
    accepted: Accepted
    media_type: str
    headers: dict[str, str]
    address: str


class HttpEndpoint:
    """An ASGI application of its own: a framework's share of a request was a tenth of the gateway's CPU time."""

    def __init__(
        self,
        operations: Operations,
        verifier: Verifier,
        connections: ClientConnections,
        options: Options,
    ) -> None:
        self._operations = operations
        self._verifier = verifier
        self._connections = connections
        self._headers = Headers(options.browsers)
        self._options = options.http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        request = Request(cast("HTTPScope", scope), receive)
        try:
            response = await self._respond(request)
        except Exception:
            log.exception("graphql.unhandled_error")
            response = self._internal_error(request)
        await response.send(send, head=request.method == "HEAD")

    async def _respond(self, request: Request) -> Response | EventStream:
        origin = request.headers.get("origin")
        if request.method == "OPTIONS":
            return Response(204, self._headers.preflight(origin), b"")
        accepted = negotiate(request.headers.get("accept"))
        exchange = _Exchange(
            request,
            accepted,
            GRAPHQL_JSON if accepted.best == GRAPHQL_JSON else JSON,
            with_vary(request, self._headers.response(origin)),
            self._headers.client_address(request.scope),
        )
        try:
            self._check_request(request, accepted)
            client = Client(await self._authenticate(request), exchange.address)
            plan, charge = await self._admit(request, client)
            wants_events = self._wants_events(plan, client, accepted)
        except RequestRejected as rejection:
            return await self._reject(exchange, rejection)
        if charge.rejection is not None:
            return _rate_limited(exchange, charge, charge.rejection)
        COST.inc(charge.cost)
        if wants_events:
            return self._stream(exchange, plan, client, charge)
        return await self._run(exchange, plan, client, charge)

    async def _run(
        self, exchange: _Exchange, plan: PlannedOperation, client: Client, charge: RateLimitResult
    ) -> Response:
        result = await self._operations.run(plan, client)
        seconds = self._options.cache_seconds
        if is_public(exchange.request, result, seconds):
            return public_response(exchange.request, result, exchange.headers, exchange.media_type, seconds)
        status = 400 if not result.executed and exchange.media_type == GRAPHQL_JSON else 200
        return _response(exchange, status, result, charge)

    def _stream(
        self, exchange: _Exchange, plan: PlannedOperation, client: Client, charge: RateLimitResult
    ) -> EventStream:
        # The time that a client stays connected must not count as latency of the endpoint.
        exchange.request.scope["path_template"] = f"{PATH} (events)"
        connection = None
        if plan.is_subscription and client.principal is not None:
            connection = ClientConnection(self._connections, client.principal, client.address)
        return EventStream(
            self._operations.stream(plan, client),
            {"cost": charge.extension()},
            exchange.headers | charge.headers(),
            disconnect=exchange.request.wait_for_disconnect,
            connection=connection,
        )

    async def _reject(self, exchange: _Exchange, rejection: RequestRejected) -> Response:
        OPERATIONS.labels("none", rejection.error["extensions"]["code"]).inc()
        charge = await self._operations.charge_rejected(exchange.address)
        if charge.rejection is not None:
            return _rate_limited(exchange, charge, charge.rejection, rejection.headers)
        COST.inc(charge.cost)
        result = OperationResult.rejected(rejection.error)
        return _response(exchange, rejection.status, result, charge, rejection.headers)

    def _check_request(self, request: Request, accepted: Accepted) -> None:
        if request.method == "POST":
            check_content_type(request.headers)
        elif not request.read_only:
            raise reject(405, "method not allowed, use GET or POST", "METHOD_NOT_ALLOWED", {"Allow": METHODS})
        elif self._headers.is_forbidden_cross_site(
            request.headers.get("origin"), request.headers.get("sec-fetch-site")
        ):
            raise reject(403, "cross-site requests must use POST", "CROSS_SITE")
        if accepted.best is None:
            message = f"Accept must allow {JSON}, {GRAPHQL_JSON} or {EVENTS}"
            raise reject(406, message, "NOT_ACCEPTABLE")

    async def _authenticate(self, request: Request) -> Principal | None:
        try:
            token = bearer_token(request.headers.get("authorization"))
            return None if token is None else await self._verifier.verify(token)
        except SoukError as error:
            raise RequestRejected(http_status(error), format_souk_error(error)) from error

    async def _admit(self, request: Request, client: Client) -> tuple[PlannedOperation, RateLimitResult]:
        try:
            if request.read_only:
                query_string = request.scope["query_string"]
                parsed, size = parse_url_query(query_string), len(query_string)
            else:
                content = await read_body(request, self._options.max_body_bytes, self._options.body_seconds)
                parsed, size = parse_body(content), len(content)
            return await self._operations.admit(parsed, size, client, read_only=request.read_only)
        except MutationByGet as error:
            raise RequestRejected(405, format_souk_error(error), {"Allow": "POST"}) from error
        except BadRequest as error:
            raise RequestRejected(400, format_souk_error(error)) from error

    def _wants_events(self, plan: PlannedOperation, client: Client, accepted: Accepted) -> bool:
        if not plan.is_subscription:
            return accepted.best == EVENTS
        if accepted.events and client.principal is None:
            error = Unauthenticated("sign in first")
            raise RequestRejected(401, format_souk_error(error))
        return accepted.events

    def _internal_error(self, request: Request) -> Response:
        result = OperationResult.from_error(Internal(INTERNAL_MESSAGE))
        headers = self._headers.response(request.headers.get("origin"))
        return Response(500, headers, orjson.dumps(result.body()))


def _rate_limited(
    exchange: _Exchange, charge: RateLimitResult, error: SoukError, headers: dict[str, str] | None = None
) -> Response:
    OPERATIONS.labels("none", "RATE_LIMITED").inc()
    COST.inc(charge.cost)
    return _response(exchange, http_status(error), OperationResult.from_error(error), charge, headers)


def _response(
    exchange: _Exchange,
    status: int,
    result: OperationResult,
    charge: RateLimitResult,
    headers: dict[str, str] | None = None,
) -> Response:
    content = orjson.dumps(result.body({"cost": charge.extension()}), default=str)
    return Response(
        status, exchange.headers | (headers or {}) | charge.headers(), content, exchange.media_type
    )
