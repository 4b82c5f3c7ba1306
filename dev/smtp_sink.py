"""A mail server for tests and load runs that delivers nothing: python -m dev.smtp_sink SMTP_PORT HTTP_PORT [FILE].

GET /mails returns the latest 5,000 mails, oldest first, as a JSON list of {id, to, subject, text}; with ?to=ADDRESS, those to it. GET
/received returns every mail without its text: {id, to, subject, orders, time}, where `orders` are the order ids in the text, and `time` is
when it arrived, in seconds since 1970; with ?from=NUMBER, without the first ones. GET /count returns {mails, distinct}. With FILE, received
mails survive a restart.
"""

import json
import re
import signal
import sys
import threading
import time
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

_MAX_LATEST = 5000
_ORDER = re.compile(r"\bord_[0-7][0-9a-hjkmnp-tv-z]{25}\b")


class Mails:
    """Received mails: the latest 5,000 with their text, all of them without."""

    def __init__(self, file: Path | None = None) -> None:
        self.latest: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        if file is not None and file.exists():
            # A kill may have truncated the last line; its mail was not acknowledged, so it is sent again.
            complete = file.read_text().rpartition("\n")[0]
            self.received = [json.loads(line) for line in complete.splitlines()]
            file.write_text("".join(json.dumps(mail) + "\n" for mail in self.received))
        self._file = file.open("a") if file is not None else None

    @property
    def ids(self) -> set[str]:
        """The distinct Message-IDs."""
        return {mail["id"] for mail in self.received}

    def latest_to(self, address: str) -> list[dict[str, Any]]:
        """Of the latest mails, those to an address."""
        return [mail for mail in self.latest if address in mail["to"]]

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offers PIPELINING, as nearly all mail servers do; aiosmtpd handles one command after the other, however they arrive."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd calls this for every mail."""
        # Without a policy, which would parse every address and parameter: that took most of the time of a mail.
        message = message_from_bytes(envelope.content)
        text = _text(message)
        mail = {
            "id": str(message["Message-ID"]).strip(),
            "to": list(envelope.rcpt_tos),
            "subject": str(make_header(decode_header(message["Subject"]))),
        }
        received = {**mail, "orders": sorted(set(_ORDER.findall(text))), "time": time.time()}
        self.received.append(received)
        if self._file is not None:
            self._file.write(json.dumps(received) + "\n")
            self._file.flush()
        self.latest.append({**mail, "text": text})
        del self.latest[:-_MAX_LATEST]
        return "250 OK"


def _text(message: Message) -> str:
    """The plain text, or else the HTML."""
    parts = {part.get_content_type(): part for part in reversed(list(message.walk()))}
    part = parts.get("text/plain") or parts.get("text/html")
    content = part.get_payload(decode=True) if part else b""
    assert isinstance(content, bytes)
    return content.decode((part and part.get_content_charset()) or "utf-8", "replace")


def web(mails: Mails, port: int) -> ThreadingHTTPServer:
    """The HTTP server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            [address] = query.get("to", [""])
            [first] = query.get("from", ["0"])
            routes: dict[str, Any] = {
                "/mails": lambda: mails.latest_to(address) if address else mails.latest,
                "/received": lambda: mails.received[int(first) :],
                "/count": lambda: {"mails": len(mails.received), "distinct": len(mails.ids)},
            }
            route = routes.get(url.path)
            self.send_response(200 if route else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(route() if route else None).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Does not log requests."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main(smtp_port: int, http_port: int, file: Path | None) -> None:
    """Serves until SIGTERM."""
    mails = Mails(file)
    controller = Controller(mails, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    server = web(mails, http_port)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    controller.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
