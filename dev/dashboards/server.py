"""The page of the dashboards on 127.0.0.1: the JSON files of deploy/grafana, and the queries of their panels passed on to Prometheus.

It runs in the stack's own process, because it has nothing to do until a page is open. In compose.yaml Grafana shows the same files.
"""

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

DASHBOARDS: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
_TYPES: Final = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
_FILE: Final = re.compile(r"/dashboards/([\w-]{1,40})\.json")
# Reading only: Prometheus has paths that change its data.
_QUERY: Final = re.compile(r"/api/v1/(query|query_range|label/\w{1,80}/values)")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_SECONDS: Final = 30


class Dashboards:
    """Serves the page as a context manager. `files`: page.js, page.css, index.html and style.css; `scrape_seconds`: Prometheus's."""

    def __init__(
        self,
        port: int,
        prometheus_port: int,
        files: Path,
        *,
        scrape_seconds: int,
        dashboards: Path = DASHBOARDS,
    ) -> None:
        self._server = _Server(port, prometheus_port, files, scrape_seconds, dashboards)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, port: int, prometheus_port: int, files: Path, scrape_seconds: int, dashboards: Path
    ) -> None:
        self.prometheus_port = prometheus_port
        self.scrape_seconds = scrape_seconds
        self.dashboards = dashboards
        self.files = {
            f"/{file.name}": (_TYPES[file.suffix], file.read_bytes())
            for file in files.iterdir()
            if file.suffix in _TYPES
        }
        super().__init__(("127.0.0.1", port), _Handler)

    def config(self) -> bytes:
        """What the page needs to know besides the dashboards, read again for each page so that a changed file is shown."""
        listed = [json.loads(path.read_text()) for path in sorted(self.dashboards.glob("*.json"))]
        # Those of the whole system first.
        listed.sort(key=lambda dashboard: "service" in dashboard.get("tags", ()))
        titles = [{"uid": dashboard["uid"], "title": dashboard["title"]} for dashboard in listed]
        return json.dumps({"scrape": self.scrape_seconds, "dashboards": titles}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/config.json":
            self._send(200, "application/json", self.server.config())
        elif match := _FILE.fullmatch(path):
            self._send_dashboard(match[1])
        elif _QUERY.fullmatch(path):
            self._send_result()
        elif path in self.server.files:
            self._send(200, *self.server.files[path])
        elif path == "/" or path.startswith("/d/"):
            self._send(200, *self.server.files["/index.html"])
        else:
            self._send(404, "text/plain", b"there is no such page\n")

    def _send_dashboard(self, uid: str) -> None:
        file = self.server.dashboards / f"{uid}.json"
        if file.exists():
            self._send(200, "application/json", file.read_bytes())
        else:
            self._send(404, "text/plain", f"there is no dashboard {uid}\n".encode())

    def _send_result(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.prometheus_port, timeout=_SECONDS)
        try:
            connection.request("GET", self.path)
            response = connection.getresponse()
            body = response.read()
            if response.headers.get_content_type() == "application/json":
                self._send(response.status, "application/json", body)
            else:
                # While it starts, it answers in plain text.
                self._send_error(f"Prometheus is not ready: {body.decode(errors='replace').strip()}")
        except (OSError, http.client.HTTPException) as error:
            self._send_error(f"Prometheus does not respond: {error}")
        finally:
            connection.close()

    def _send_error(self, text: str) -> None:
        self._send(502, "application/json", json.dumps({"status": "error", "error": text}).encode())

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: an open page sends many."""
