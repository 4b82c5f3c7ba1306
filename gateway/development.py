"""Pages for developers: where things are at /, and a stand-in for the shop's own site, to which the links of mails lead."""

from collections.abc import Sequence
from html import escape
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.headers import secure
from gateway.settings import Settings

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STYLE: Final = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:8vh auto;padding:0 1rem;overflow-wrap:anywhere}"
    "code{background:#eee}"
)
# What the page of a real shop calls, by the path that mails link to.
_CALLS: Final = {
    "/orders/{id:str}": "query { order(id: ID) { status lines { name quantity } totalPrice } }",
    "/reset-password": "mutation { resetPassword(token: TOKEN, newPassword: PASSWORD) }",
    "/verify-email": "mutation { verifyEmail(token: TOKEN) { id } }",
}


def development_routes(settings: Settings) -> list[HTTPRouteHandler]:
    """The pages; none outside development."""
    if not settings.is_development:
        return []
    headers = {**secure(settings), "Content-Security-Policy": _POLICY}

    def answer(title: str, body: str) -> Response[str]:
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{title}</title><style>{_STYLE}</style>'
        )
        page = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{body}</body></html>'
        return Response(page, media_type="text/html", headers=headers)

    @get("/", sync_to_thread=False)
    def home() -> Response[str]:
        logins = [entry for entry in settings.playground_logins if entry != "none"]
        return answer(
            "Souk", _rows(settings.home_links) + (f"<h2>Logins</h2>{_rows(logins)}" if logins else "")
        )

    def stand_in(path: str, call: str) -> HTTPRouteHandler:
        text = (
            "<p>This link leads to the shop's own site, at <code>SHOP_URL</code>. In development there is none, so the gateway answers.</p>"
            f"<p>The site's page calls:</p><pre><code>{escape(call)}</code></pre>"
            '<p>Try it in the <a href="/playground">playground</a>.</p>'
        )

        @get(path, sync_to_thread=False)
        def shown() -> Response[str]:
            return answer("Your shop's page", text)

        return shown

    return [home, *(stand_in(path, call) for path, call in _CALLS.items())]


def _rows(entries: Sequence[str]) -> str:
    """Entries `NAME=TEXT` as a list; a text that is an address is a link."""
    rows = []
    for entry in entries:
        name, _, text = map(escape, entry.partition("="))
        link = f'<a href="{text}">{text}</a>' if text.startswith(("/", "http")) else f"<code>{text}</code>"
        rows.append(f"<li>{name}: {link}</li>")
    return f"<ul>{''.join(rows)}</ul>"
