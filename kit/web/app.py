"""Builds the HTTP application of a service."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp

from kit.web.health import Readiness, health_routes
from kit.web.middleware import RequestMiddleware
from kit.web.problems import HANDLERS

_MAX_BODY_BYTES = 1024 * 1024

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[Any]]


def build_app(
    routes: Sequence[Any],
    readiness: Readiness,
    *,
    raw_asgi_routes: Mapping[str, ASGIApp] | None = None,
    lifespan: Sequence[Lifespan] = (),
    debug: bool = False,
) -> ASGIApp:
    """An ASGI application with the service's routes, health and metrics; `lifespan` is entered in order.

    `raw_asgi_routes` maps paths to ASGI applications that answer HTTP outside Litestar, without its overhead per request.
    """
    litestar = Litestar(
        [*health_routes(readiness), *routes],
        lifespan=list(lifespan),
        exception_handlers=HANDLERS,
        request_max_body_size=_MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        debug=debug,
    )
    return RequestMiddleware(litestar, readiness, raw_asgi_routes)
