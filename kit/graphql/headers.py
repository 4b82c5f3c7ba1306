"""Headers around a response: CORS, protection in browsers, and the client's address behind proxies."""

from typing import Final

from litestar.types import HTTPScope, WebSocketScope

from kit.graphql.options import BrowserOptions

# Forbids a browser to frame, sniff or store a JSON response.
_STATIC_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
}
_TWO_YEARS: Final = "max-age=63072000; includeSubDomains"
_ALLOWED_HEADERS: Final = "authorization, content-type, x-request-id, traceparent, apollographql-client-name, apollographql-client-version"
_EXPOSED_HEADERS: Final = (
    "ETag, X-Request-ID, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
)
METHODS: Final = "GET, HEAD, POST, OPTIONS"
_PREFLIGHT_SECONDS: Final = "7200"


def security_headers(*, tls: bool) -> dict[str, str]:
    """Headers of every response; with TLS, browsers must keep using it."""
    return {**_STATIC_HEADERS, **({"Strict-Transport-Security": _TWO_YEARS} if tls else {})}


class Headers:
    """Response headers by origin. Tokens travel in a header and never in a cookie, so credentials are never allowed."""

    def __init__(self, options: BrowserOptions) -> None:
        self._security = security_headers(tls=options.tls)
        self._origins = frozenset(options.cors_origins)
        self._proxy_hops = options.proxy_hops
        self._vary = {"Vary": "Origin"} if self._origins and "*" not in self._origins else {}

    def response(self, origin: str | None) -> dict[str, str]:
        """Headers of a response; `origin` is None unless a page sent the request."""
        if origin is None:
            return {**self._security, **self._vary}
        return {**self._security, **self._vary, **self._cors(origin)}

    def preflight(self, origin: str | None) -> dict[str, str]:
        """Headers of the response to a CORS preflight."""
        cors = self._cors(origin) if origin else {}
        if cors:
            cors |= {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            }
        return {"Allow": METHODS, **self._security, **self._vary, **cors}

    def is_forbidden_cross_site(self, origin: str | None, site: str | None) -> bool:
        """Whether a page of another site, whose origin is not allowed, sent the request; `site` is Sec-Fetch-Site."""
        foreign = site == "cross-site" or (origin is not None and site not in (None, "same-origin", "none"))
        return foreign and not (origin and self._cors(origin))

    def client_address(self, scope: HTTPScope | WebSocketScope) -> str:
        """The client's address as the outermost trusted proxy saw it. A proxy may extend the header or add a second one."""
        if self._proxy_hops:
            headers = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            addresses = [part.strip() for part in b",".join(headers).decode("latin-1").split(",")]
            if len(addresses) >= self._proxy_hops and addresses[-self._proxy_hops]:
                return addresses[-self._proxy_hops]
        return scope["client"][0] if scope["client"] else ""

    def _cors(self, origin: str) -> dict[str, str]:
        if "*" in self._origins:
            return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED_HEADERS}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED_HEADERS}
        return {}
