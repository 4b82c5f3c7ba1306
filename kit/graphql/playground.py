"""GET /playground: GraphiQL, for development. The page's policy allows our own files only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from kit.errors import NotFound
from kit.graphql.headers import security_headers

# GraphiQL's editor sets style attributes.
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# Litestar appends the charset.
_FILES: Final = {"index.html": "text/html", "graphiql.js": "text/javascript", "graphiql.css": "text/css"}


def playground_routes(folder: Path, accounts: Sequence[str], *, tls: bool) -> list[HTTPRouteHandler]:
    """Serves the page and its two files from `folder`. The page offers the logins in `accounts`, each as NAME=EMAIL / PASSWORD."""

    headers = {
        **security_headers(tls=tls),
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
    }

    def file_response(name: str) -> Response[bytes]:
        path = folder / name
        if name not in _FILES or not path.is_file():
            raise NotFound("the playground has no such file")
        return Response(path.read_bytes(), media_type=_FILES[name], headers=headers)

    @get("/playground", sync_to_thread=True)
    def playground() -> Response[bytes]:
        return file_response("index.html")

    @get("/playground/logins.json", sync_to_thread=False)
    def logins() -> Response[list[dict[str, str]]]:
        return Response([_login(entry) for entry in accounts], headers=headers)

    @get("/playground/{name:str}", sync_to_thread=True)
    def playground_file(name: str) -> Response[bytes]:
        return file_response(name)

    return [playground, logins, playground_file]


def _login(entry: str) -> dict[str, str]:
    name, _, login = entry.partition("=")
    email, _, password = login.partition(" / ")
    return {"name": name, "email": email, "password": password}
