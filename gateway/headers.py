"""What surrounds an answer: CORS, the headers that keep browsers from doing harm, and the client's address behind proxies."""

from typing import Final

from litestar.types import HTTPScope, WebSocketScope

from gateway.settings import Settings
from kit.settings import Profile

# What no page may do with JSON: show it in a frame, guess another type, keep it.
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
}
_TWO_YEARS: Final = "max-age=63072000; includeSubDomains"
_ASKED: Final = "authorization, content-type, x-request-id, traceparent, apollographql-client-name, apollographql-client-version"
_EXPOSED: Final = "ETag, X-Request-ID, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
METHODS: Final = "GET, HEAD, POST, OPTIONS"
_PREFLIGHT_SECONDS: Final = "7200"


def secure(settings: Settings) -> dict[str, str]:
    """Headers of every answer; browsers are told to stay with TLS where there is some."""
    tls = settings.profile is not Profile.DEVELOPMENT
    return {**_ALWAYS, **({"Strict-Transport-Security": _TWO_YEARS} if tls else {})}


class Headers:
    """As the settings say. Tokens travel in a header and never in a cookie, so no answer allows credentials."""

    def __init__(self, settings: Settings) -> None:
        self._secure = secure(settings)
        self._origins = frozenset(settings.cors_origins)
        self._hops = settings.proxy_hops
        self._vary = {"Vary": "Origin"} if self._origins and "*" not in self._origins else {}

    def of(self, origin: str | None) -> dict[str, str]:
        """Of an answer to a page of this origin; None: not a page of another site."""
        if origin is None:
            return {**self._secure, **self._vary}
        return {**self._secure, **self._vary, **self._allowed(origin)}

    def preflight(self, origin: str | None) -> dict[str, str]:
        """Of the answer to a browser that asks whether it may ask."""
        allowed = self._allowed(origin) if origin else {}
        asked = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": _ASKED,
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        }
        return {
            "Allow": METHODS,
            **self._secure,
            **self._vary,
            **(asked if allowed else {}),
            **allowed,
        }

    def refuses(self, origin: str | None, site: str | None) -> bool:
        """Whether a browser says that a page of another site asks, one that may not."""
        foreign = site == "cross-site" or (origin is not None and site not in (None, "same-origin", "none"))
        return foreign and not (origin and self._allowed(origin))

    def client(self, scope: HTTPScope | WebSocketScope) -> str:
        """The client's address, as the outermost trusted proxy saw it; a proxy may add to a line that came, or a line of its own."""
        if self._hops:
            lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            seen = [part.strip() for part in b",".join(lines).decode("latin-1").split(",")]
            if len(seen) >= self._hops and seen[-self._hops]:
                return seen[-self._hops]
        return scope["client"][0] if scope["client"] else ""

    def _allowed(self, origin: str) -> dict[str, str]:
        if "*" in self._origins:
            return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}
        return {}
