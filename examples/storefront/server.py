"""Serves the storefront's files, pictures and config.json on 127.0.0.1: python -m examples.storefront.server PORT FILES API STRIPE.

A path without a file is a page of the shop: it gets index.html, whose script reads the path.
"""

import json
import re
import signal
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from examples.storefront.pictures import ICON, picture

_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
_PICTURE = re.compile(r"/pictures/([a-z-]{1,40})/([0-9a-z-]{1,40})\.svg")


def policy(api: str, stripe: str) -> str:
    """The content security policy: our own files, requests to the gateway and the payment provider, nothing inline."""
    socket = api.replace("http", "ws", 1)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http://127.0.0.1:*; "
        f"connect-src 'self' {api} {socket} {stripe}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def read_files(folder: Path) -> Mapping[str, tuple[str, bytes]]:
    """Media type and content of each file for browsers, by its path in the shop."""
    files = [file for file in folder.iterdir() if file.suffix in _TYPES]
    return {f"/{file.name}": (_TYPES[file.suffix], file.read_bytes()) for file in files}


class Storefront(ThreadingHTTPServer):
    """The shop's server; `files` holds index.html, shop.js and style.css."""

    daemon_threads = True

    def __init__(self, port: int, files: Path, api: str, stripe: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.files = read_files(files)
        self.config = json.dumps({"api": api, "stripe": stripe}).encode()
        self.policy = policy(api, stripe)


class _Handler(BaseHTTPRequestHandler):
    server: Storefront
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/config.json":
            self._send("application/json", self.server.config)
        elif path == "/pictures/icon.svg":
            self._send("image/svg+xml", ICON.encode(), cache="public, max-age=86400")
        elif match := _PICTURE.fullmatch(path):
            self._send("image/svg+xml", picture(*match.groups()).encode(), cache="public, max-age=86400")
        elif path in self.server.files:
            self._send(*self.server.files[path])
        elif "." in path.rpartition("/")[2]:
            self._send("text/plain", b"there is no such file\n", status=404)
        else:
            self._send(*self.server.files["/index.html"])

    def _send(self, media_type: str, body: bytes, *, status: int = 200, cache: str = "no-cache") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", cache)
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: paths of order links are secrets."""


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    port, files, api, stripe = sys.argv[1:]
    server = Storefront(int(port), Path(files), api, stripe)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
