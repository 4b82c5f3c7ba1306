"""Serves the start page on 127.0.0.1; the gateway passes its `/` and `/start/...` on to it in development.

Not here: anything that changes the stack. The page only reads, because every page in the developer's browser can send requests to it.
"""

import json
import mimetypes
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import DecodeError

from dev.components import LOG_STORE
from dev.ports import Ports, addresses
from dev.seed import LOGINS
from dev.start_page.journeys import InvalidId, find
from dev.start_page.log_store import LogStore, LogStoreError
from dev.start_page.parts import Parts, ShownStack
from dev.start_page.shipping import Shipper
from dev.start_page.spans import records_of_export

_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/start/elements.js": ("elements.js", "text/javascript"),
    "/start/page.js": ("page.js", "text/javascript"),
    "/start/request.js": ("request.js", "text/javascript"),
    "/start/style.css": ("style.css", "text/css"),
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# The documentation's theme has scripts and styles of its own in its pages.
_DOCS_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'"
)
_LOOPBACK: Final = ("127.0.0.1", "localhost")
# A page of another site cannot send it without asking first, which this server does not allow.
_SPANS_TYPE: Final = "application/x-protobuf"
_MAX_SPANS_BYTES: Final = 16 * 2**20


class StartPage:
    """The page's server as a context manager, and what follows the logs and fills the log store; `state`: the stack's folder."""

    def __init__(self, stack: ShownStack, ports: Ports, state: Path) -> None:
        store = LogStore(ports.logs) if LOG_STORE in stack.components else None
        self._server = _Server(stack, ports, state, store)
        self._thread = threading.Thread(target=self._server.serve_forever, name="start-page", daemon=True)
        logs = {name: component.log for name, component in stack.components.items()}
        self._shipper = Shipper(logs, store, state / "data" / "shipped.json")

    def __enter__(self) -> Self:
        self._thread.start()
        self._shipper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops serving."""
        self._shipper.stop()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stack: ShownStack, ports: Ports, state: Path, store: LogStore | None) -> None:
        super().__init__(("127.0.0.1", ports.start_page), _Handler)
        self.store = store
        self.parts = Parts(stack)
        self.ports = ports
        self.docs = state / "docs"

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection early is no problem."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def about(self) -> dict[str, Any]:
        """What does not change while the stack runs."""
        listed = addresses(self.ports, logs=self.store is not None)
        if (self.docs / "index.html").is_file():
            listed["Documentation"] = f"http://127.0.0.1:{self.ports.start_page}/docs/index.html"
        else:
            listed["Documentation"] = "make docs builds it; then it is served here"
        return {
            "here": f"http://127.0.0.1:{self.ports.start_page}/",
            "addresses": listed,
            "logins": [
                {"name": label, "email": email, "password": password} for label, email, _, password in LOGINS
            ],
        }


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        # A page of another site could point a name of its own at this address.
        if self.headers.get("Host", "").partition(":")[0] not in _LOOPBACK:
            self._send_error(403, "open the page at http://127.0.0.1 or http://localhost")
        elif path in _FILES:
            name, media_type = _FILES[path]
            self._send(media_type, Path(__file__).with_name(name).read_bytes())
        elif path == "/start/about.json":
            self._send_json(self.server.about())
        elif path == "/start/parts.json":
            self._send_json({"parts": self.server.parts.read()})
        elif path == "/start/request.json":
            self._send_request(parse_qs(urlsplit(self.path).query).get("id", [""])[0])
        elif path.startswith("/docs/"):
            self._send_docs(path.removeprefix("/docs/"))
        else:
            self._send_error(404, f"the start page has no {path[:200]}")

    def do_POST(self) -> None:
        """Receives the services' spans."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/v1/traces" or self.headers.get("Content-Type") != _SPANS_TYPE:
            self.close_connection = True
            self._send_error(404, "only spans are received here, at /v1/traces")
        elif self.server.store is None or length > _MAX_SPANS_BYTES:
            self.close_connection = True
            self._send_error(413 if self.server.store else 503, "these spans cannot be stored")
        else:
            self._store_spans(self.server.store, self.rfile.read(length))

    def _store_spans(self, store: LogStore, body: bytes) -> None:
        try:
            store.insert(records_of_export(body))
        except DecodeError:
            self._send_error(400, "these are no spans")
        except LogStoreError as error:
            self._send_error(503, str(error))
        else:
            # An empty ExportTraceServiceResponse.
            self._send(_SPANS_TYPE, b"")

    def _send_request(self, text: str) -> None:
        store = self.server.store
        if store is None:
            self._send_error(404, "this stack has no log store; make run starts one")
            return
        try:
            self._send_json(find(store, text.strip()))
        except InvalidId as error:
            self._send_error(400, str(error))
        except LogStoreError as error:
            self._send_error(503, f"{error}; the table of parts shows its state")

    def _send_docs(self, name: str) -> None:
        docs = self.server.docs.resolve()
        file = (docs / name).resolve()
        if not file.is_relative_to(docs) or not file.is_file():
            self._send_error(404, "there is no such page; make docs builds the documentation")
            return
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self._send(media_type, file.read_bytes(), policy=_DOCS_POLICY)

    def _send_json(self, value: Mapping[str, Any] | Sequence[Any], status: int = 200) -> None:
        self._send("application/json", json.dumps(value).encode(), status=status)

    def _send_error(self, status: int, message: str) -> None:
        self._send_json({"error": message}, status)

    def _send(self, media_type: str, body: bytes, *, status: int = 200, policy: str = POLICY) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: the terminal is the stack's."""
