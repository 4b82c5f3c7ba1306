"""A mail server for tests, with configurable replies."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ssl import SSLContext
from typing import Any

from aiosmtpd.controller import Controller


class FakeMailServer:
    """Replies to each SMTP step with `sender`, `recipient` or `data`, and keeps the mails it accepted.

    `offers_utf8`: whether it announces SMTPUTF8; `offers_pipelining`: PIPELINING. `drops`: how many mails it still accepts and then drops
    the connection before its reply. `tls`: none, starttls or tls, with the certificate in `context`.
    """

    def __init__(
        self,
        port: int,
        *,
        offers_pipelining: bool = True,
        tls: str = "none",
        context: SSLContext | None = None,
    ) -> None:
        self.port = port
        contexts = {"tls": "ssl_context", "starttls": "tls_context"}
        self._tls: dict[str, Any] = {contexts[tls]: context} if context else {}
        self.offers_pipelining = offers_pipelining
        self.mails: list[EmailMessage] = []
        self.sender = self.recipient = self.data = "250 OK"
        self.connections = 0
        self.recipients: list[str] = []
        self.offers_utf8 = True
        self.drops = 0
        self._controller: Controller | None = None

    def open(self) -> None:
        assert self._controller is None
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            enable_SMTPUTF8=self.offers_utf8,
            **self._tls,
        )
        self._controller.start()

    def close(self) -> None:
        """Does nothing if it is closed already."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def reopen(self, *, offers_utf8: bool = True) -> None:
        """Closes its connections and listens again."""
        self.close()
        self.offers_utf8 = offers_utf8
        self.open()

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return [*responses[:-1], *["250-PIPELINING"] * self.offers_pipelining, *responses[-1:]]

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.recipients.append(address)
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if self.drops:
            self.drops -= 1
            server.transport.abort()
        return self.data
