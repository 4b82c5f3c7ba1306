"""What surrounds every HTTP request: correlation id, span, RED metrics, a log line when it is worth one; and its farewell on a process that
is to end.
"""

import time
from collections.abc import Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from kit.telemetry import (
    BoundRedMetrics,
    RedMetrics,
    SpanKind,
    correlation_id,
    get_logger,
    new_correlation_id,
    span,
)
from kit.telemetry.spans import untrusted_trace
from kit.web.health import Phase, Readiness

log = get_logger(__name__)

_RED = RedMetrics("http", ("method", "route"))
_SLOW_SECONDS = 1.0
_CLOSE = (b"connection", b"close")
# Anything else is counted as OTHER: clients may invent methods, labels may not grow with them.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMiddleware:
    """An ASGI application around another; HTTP on a path of `raw_asgi_routes` goes past it."""

    def __init__(
        self, app: ASGIApp, readiness: Readiness, raw_asgi_routes: Mapping[str, ASGIApp] | None = None
    ) -> None:
        self._app = app
        self._readiness = readiness
        self._raw_asgi_routes = raw_asgi_routes or {}
        self._watched: dict[tuple[str, str], BoundRedMetrics] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; anything that is not HTTP passes through."""
        if scope["type"] == ScopeType.HTTP:
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started, status, sampled = time.perf_counter(), 500, False
        request_id, parent = _headers(scope)
        correlation = new_correlation_id(request_id)
        correlation_id.set(correlation)
        echoed = (b"x-request-id", correlation.encode())

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Who keeps a connection open for the next request makes a new one, and comes to another replica.
                leaving = self._readiness.phase is Phase.STOPPING and scope["http_version"].startswith("1")
                farewell = [_CLOSE] if leaving else []
                message["headers"] = [*message["headers"], echoed, *farewell]
            await send(message)

        try:
            with span(
                f"HTTP {scope['method']}", kind=SpanKind.SERVER, parent=untrusted_trace(parent)
            ) as here:
                sampled = here.sampled
                await self._app_of(scope)(scope, receive, answer)
        finally:
            self._told(scope, status, time.perf_counter() - started, sampled)

    def _app_of(self, scope: HTTPScope) -> ASGIApp:
        path = scope["path"].rstrip("/")
        if (direct := self._raw_asgi_routes.get(path)) is None:
            return self._app
        scope["path_template"] = path
        return direct

    def _told(self, scope: Any, status: int, seconds: float, sampled: bool) -> None:
        route = scope.get("path_template") or "unmatched"
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        watched = self._watched.get((method, route))
        if watched is None:
            watched = self._watched[method, route] = _RED.watch(method, route)
        watched.observe(seconds, str(status))
        if sampled or seconds > _SLOW_SECONDS:
            log.info("http.served", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def _headers(scope: HTTPScope) -> tuple[str | None, str | None]:
    request_id = parent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            parent = value.decode("latin-1")
    return request_id, parent
