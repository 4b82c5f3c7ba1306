"""GET /playground: GraphiQL out of our own files, for development. Nothing comes from elsewhere, and the page's policy says so."""

from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.headers import secure
from gateway.settings import Settings
from kit.errors import NotFound

# GraphiQL styles its editor by attributes.
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# Litestar adds the charset.
_FILES: Final = {"index.html": "text/html", "graphiql.js": "text/javascript", "graphiql.css": "text/css"}


def playground_routes(settings: Settings) -> list[HTTPRouteHandler]:
    """The page, the two files that it needs, and the logins that it offers."""

    folder: Path = settings.playground_files
    headers = {**secure(settings), "Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}

    def answer(name: str) -> Response[bytes]:
        path = folder / name
        if name not in _FILES or not path.is_file():
            raise NotFound("no such file")
        return Response(path.read_bytes(), media_type=_FILES[name], headers=headers)

    @get("/playground", sync_to_thread=True)
    def playground() -> Response[bytes]:
        return answer("index.html")

    @get("/playground/logins.json", sync_to_thread=False)
    def logins() -> Response[list[dict[str, str]]]:
        return Response(
            [_login(entry) for entry in settings.playground_logins if entry != "none"], headers=headers
        )

    @get("/playground/{name:str}", sync_to_thread=True)
    def playground_file(name: str) -> Response[bytes]:
        return answer(name)

    return [playground, logins, playground_file]


def _login(entry: str) -> dict[str, str]:
    name, _, login = entry.partition("=")
    email, _, password = login.partition(" / ")
    return {"name": name, "email": email, "password": password}
