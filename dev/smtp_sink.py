"""Takes mails and keeps what tests and load runs ask of them: python -m dev.smtp_sink SMTP_PORT HTTP_PORT.

GET /mails answers a JSON list of {id, to, subject, text}, oldest first; GET /count answers {mails, distinct}. It never delivers anything.
"""

import json
import signal
import sys
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

_KEPT = 5000


class Mails:
    """What came in; the latest 5,000 whole, all of them counted."""

    def __init__(self) -> None:
        self.latest: list[dict[str, Any]] = []
        self.count = 0
        self.ids: set[str] = set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd's hook for a finished mail."""
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain", "html"))
        identity = str(message["Message-ID"])
        self.count += 1
        self.ids.add(identity)
        self.latest.append(
            {
                "id": identity,
                "to": list(envelope.rcpt_tos),
                "subject": str(message["Subject"]),
                "text": body.get_content() if body else "",
            }
        )
        del self.latest[:-_KEPT]
        return "250 OK"


def web(mails: Mails, port: int) -> ThreadingHTTPServer:
    """The HTTP side."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers: dict[str, Any] = {
                "/mails": mails.latest,
                "/count": {"mails": mails.count, "distinct": len(mails.ids)},
            }
            found = self.path in answers
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answers.get(self.path)).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main(smtp_port: int, http_port: int) -> None:
    """Serves until SIGTERM."""
    mails = Mails()
    controller = Controller(mails, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    server = web(mails, http_port)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    controller.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
