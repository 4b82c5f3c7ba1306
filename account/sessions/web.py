"""Publishes the public keys over HTTP for services that verify access tokens."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from kit.auth import KeyFile

_CACHE_SECONDS: Final = 60


def jwks_route(keys: KeyFile) -> HTTPRouteHandler:
    """GET /.well-known/jwks.json (RFC 7517)."""

    @get("/.well-known/jwks.json", sync_to_thread=False)
    def jwks() -> Response[dict[str, Any]]:
        return Response(
            {"keys": keys.public()}, headers={"Cache-Control": f"public, max-age={_CACHE_SECONDS}"}
        )

    return jwks
