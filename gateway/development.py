"""Pages for development: the playground, links at /, and placeholders for the shop's own pages, which emails link to."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Sequence
from email.message import Message
from html import escape
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.settings import Settings
from kit.errors import Unavailable
from kit.graphql import playground_routes
from kit.graphql.headers import security_headers

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STYLE: Final = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:8vh auto;padding:0 1rem;overflow-wrap:anywhere}"
    "code{background:#eee}pre{white-space:pre-wrap}"
)
_START_PAGE_SECONDS: Final = 10.0
_PASSED_ON: Final = ("Content-Security-Policy", "Cache-Control", "X-Content-Type-Options", "Referrer-Policy")
# What a real shop's page calls, by the path that emails link to.
_CALLS: Final = {
    "/orders/{id:str}": "query { order(id: ID) { status lines { name quantity } totalPrice } }",
    "/reset-password": "mutation { resetPassword(token: TOKEN, newPassword: PASSWORD) }",
    "/verify-email": "mutation { verifyEmail(token: TOKEN) { id } }",
}


def page_routes(settings: Settings) -> list[HTTPRouteHandler]:
    """The playground where it is on, and the pages that exist in development only."""
    logins = [entry for entry in settings.playground_logins if entry != "none"]
    routes: list[HTTPRouteHandler] = []
    if settings.playground:
        routes += playground_routes(settings.playground_files, logins, tls=settings.uses_tls)
    if settings.is_development:
        routes += _development_routes(settings, logins)
    return routes


def _development_routes(settings: Settings, logins: Sequence[str]) -> list[HTTPRouteHandler]:
    headers = {**security_headers(tls=settings.uses_tls), "Content-Security-Policy": _POLICY}

    def page_response(title: str, body: str) -> Response[str]:
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{title}</title><style>{_STYLE}</style>'
        )
        page = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{body}</body></html>'
        return Response(page, media_type="text/html", headers=headers)

    @get("/", sync_to_thread=False)
    def home() -> Response[str]:
        return page_response(
            "Souk", _rows(settings.home_links) + (f"<h2>Logins</h2>{_rows(logins)}" if logins else "")
        )

    def placeholder(path: str, call: str) -> HTTPRouteHandler:
        text = (
            "<p>In production, this link leads to your shop's site at <code>SHOP_URL</code>. "
            "In development, the gateway serves this placeholder.</p>"
            f"<p>Your page would call:</p><pre><code>{escape(call)}</code></pre>"
            '<p>Try it in the <a href="/playground">playground</a>.</p>'
        )

        @get(path, sync_to_thread=False)
        def shown() -> Response[str]:
            return page_response("Your shop's page", text)

        return shown

    start = _start_page(settings.start_page_url) if settings.start_page_url else home
    return [start, *(placeholder(path, call) for path, call in _CALLS.items())]


def _start_page(url: str) -> HTTPRouteHandler:
    """Passes requests on to the stack's supervisor, so that its page is at the address that a developer knows."""

    @get(["/", "/start/{name:path}"])
    async def start_page(request: Request[object, object, Any]) -> Response[bytes]:
        query = request.url.query
        target = url.rstrip("/") + request.url.path + (f"?{query}" if query else "")
        # With the name that the browser used, which the page checks.
        return await asyncio.to_thread(_pass_on, url, target, request.headers.get("host", ""))

    return start_page


def _pass_on(url: str, target: str, host: str) -> Response[bytes]:
    request = urllib.request.Request(target, headers={"Host": host})  # noqa: S310 (from the settings)
    try:
        with urllib.request.urlopen(request, timeout=_START_PAGE_SECONDS) as response:  # noqa: S310 (as above)
            return _passed_on(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return _passed_on(error.code, error.headers, error.read())
    except OSError as error:
        raise Unavailable(f"the start page at {url} does not respond") from error


def _passed_on(status: int, headers: Message, body: bytes) -> Response[bytes]:
    security = {name: headers[name] for name in _PASSED_ON if name in headers}
    return Response(body, status_code=status, media_type=headers.get_content_type(), headers=security)


def _rows(entries: Sequence[str]) -> str:
    """Entries `NAME=TEXT` as a list; a URL becomes a link."""
    rows = []
    for entry in entries:
        name, _, text = map(escape, entry.partition("="))
        link = f'<a href="{text}">{text}</a>' if text.startswith(("/", "http")) else f"<code>{text}</code>"
        rows.append(f"<li>{name}: {link}</li>")
    return f"<ul>{''.join(rows)}</ul>"
