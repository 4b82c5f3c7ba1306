"""ASGI middleware: correlation id, span, RED metrics, access log, and `Connection: close` during shutdown."""

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
# Anything else is counted as OTHER, because clients may invent methods and label values must be bounded.
_KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMiddleware:
    """Wraps an ASGI application; HTTP on a path of `raw_asgi_routes` goes to that route's application instead."""

    def __init__(
        self, app: ASGIApp, readiness: Readiness, raw_asgi_routes: Mapping[str, ASGIApp] | None = None
    ) -> None:
        self._app = app
        self._readiness = readiness
        self._raw_asgi_routes = raw_asgi_routes or {}
        self._metrics: dict[tuple[str, str], BoundRedMetrics] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles HTTP; everything else is passed on unchanged."""
        if scope["type"] == ScopeType.HTTP:
            await self._handle_http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _handle_http(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started, status, sampled = time.perf_counter(), 500, False
        request_id, parent = _headers(scope)
        correlation = new_correlation_id(request_id)
        correlation_id.set(correlation)
        id_header = (b"x-request-id", correlation.encode())

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Makes keep-alive clients reconnect to another replica.
                closing = self._readiness.phase is Phase.STOPPING and scope["http_version"].startswith("1")
                connection_close_header = [_CLOSE] if closing else []
                message["headers"] = [*message["headers"], id_header, *connection_close_header]
            await send(message)

        try:
            with span(
                f"HTTP {scope['method']}", kind=SpanKind.SERVER, parent=untrusted_trace(parent)
            ) as current:
                sampled = current.sampled
                await self._route(scope)(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - started, sampled)

    def _route(self, scope: HTTPScope) -> ASGIApp:
        path = scope["path"].rstrip("/")
        if (raw_app := self._raw_asgi_routes.get(path)) is None:
            return self._app
        scope["path_template"] = path
        return raw_app

    def _record(self, scope: Any, status: int, seconds: float, sampled: bool) -> None:
        route = scope.get("path_template") or "unmatched"
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "OTHER"
        metrics = self._metrics.get((method, route))
        if metrics is None:
            metrics = self._metrics[method, route] = _RED.bind(method, route)
        metrics.observe(seconds, str(status))
        if sampled or seconds > _SLOW_SECONDS:
            log.info("http.request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def _headers(scope: HTTPScope) -> tuple[str | None, str | None]:
    request_id = parent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            parent = value.decode("latin-1")
    return request_id, parent
