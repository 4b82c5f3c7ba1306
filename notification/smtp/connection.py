"""A connection to the mail server. aiosmtplib opens it: greeting, TLS and login; mails are then sent in as few round trips as possible.

aiosmtplib waits for the reply to each command. A server with PIPELINING (RFC 2920), as nearly all have it, takes a mail's commands at once.
"""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from notification.mail.errors import MailRejected, TemporaryDeliveryFailure
from notification.smtp.encoding import EncodedMail

# Servers close connections that are idle for minutes, and some limit the mails per connection.
_MAX_IDLE_SECONDS = 20.0
_MAX_MAILS = 100
# Far longer than a line of a reply may be (RFC 5321, 4.5.3.1.5).
_MAX_LINE_BYTES = 8_192
# The first command whose rejection is about the mail rather than about us.
_RECIPIENT = 2
_ACCEPTED = 250
_START_CONTENT = 354
_NEGATIVE = 400
# "Service not available, closing transmission channel": the server closes this connection.
_CLOSING = 421
# Replies from here on are permanent (RFC 5321, 4.2.1).
_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Address and login of a mail server; `tls` is none, starttls or tls. An empty `username` means no login."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: str = "none"


class ClosedBeforeContent(ConnectionError):
    """The server closed the connection before it received the mail, so that another connection can send it without repeating it."""


class SmtpConnection(asyncio.Protocol):
    """Sends mails one after the other."""

    def __init__(self, transport: asyncio.Transport, extensions: Collection[str]) -> None:
        self._transport = transport
        self._extensions = frozenset(extensions)
        self._unfinished_line = b""
        self._codes: deque[int] = deque()
        self._received = asyncio.Event()
        self._is_lost = False
        self._is_between_mails = True
        self._mails = 0
        self._used_at = time.monotonic()
        transport.set_protocol(self)

    @classmethod
    async def open(cls, server: SmtpServer, timeout_seconds: float) -> "SmtpConnection":
        """Raises aiosmtplib.SMTPException or OSError."""
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            timeout=timeout_seconds,
        )
        await client.connect()
        try:
            # Its first command sends EHLO, or HELO to a server without extensions.
            await client.noop()
        except BaseException:
            client.close()
            raise
        return cls(cast("asyncio.Transport", client.transport), client.esmtp_extensions)

    @property
    def is_reusable(self) -> bool:
        """Whether another mail can be sent; the server may have closed the connection all the same."""
        is_stale = self._mails >= _MAX_MAILS or time.monotonic() - self._used_at > _MAX_IDLE_SECONDS
        return self._is_between_mails and not is_stale and not self._transport.is_closing()

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    async def send(self, mail: EncodedMail) -> None:
        """Raises MailRejected, TemporaryDeliveryFailure, ClosedBeforeContent or another ConnectionError."""
        if mail.needs_utf8 and "smtputf8" not in self._extensions:
            # Retrying is useless: the mailbox name needs it (RFC 6531, 3.2).
            raise MailRejected()
        self._is_between_mails = False
        await self._send_envelope(mail)
        # Lines that start with a dot get a second one (RFC 5321, 4.5.2).
        self._transport.write(mail.content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code = await self._reply()
        self._is_between_mails, self._used_at = code != _CLOSING, time.monotonic()
        self._mails += 1
        if code != _ACCEPTED:
            raise MailRejected() if code >= _PERMANENT else TemporaryDeliveryFailure()

    async def _send_envelope(self, mail: EncodedMail) -> None:
        try:
            codes = await self._replies(self._envelope(mail))
        except ConnectionError as error:
            raise ClosedBeforeContent(str(error)) from error
        if _CLOSING in codes:
            raise ClosedBeforeContent("the mail server closes the connection")
        rejected = next((step for step, code in enumerate(codes) if code >= _NEGATIVE), None)
        waits_for_content = codes[-1] == _START_CONTENT
        if rejected is None and waits_for_content:
            return
        self._is_between_mails = rejected is not None and not waits_for_content
        self._used_at = time.monotonic()
        if rejected is not None and rejected >= _RECIPIENT and codes[rejected] >= _PERMANENT:
            raise MailRejected()
        # Errors of the sender are about us, not about this mail: it waits until an operator has fixed them.
        raise TemporaryDeliveryFailure()

    def _envelope(self, mail: EncodedMail) -> list[bytes]:
        size = f" SIZE={len(mail.content)}" if "size" in self._extensions else ""
        utf8 = " SMTPUTF8 BODY=8BITMIME" if mail.needs_utf8 else ""
        # RSET: the mail before may have been rejected.
        return [
            b"RSET\r\n",
            f"MAIL FROM:<{mail.sender}>{size}{utf8}\r\n".encode(),
            f"RCPT TO:<{mail.recipient}>\r\n".encode(),
            b"DATA\r\n",
        ]

    async def _replies(self, commands: Sequence[bytes]) -> list[int]:
        """The codes of the replies; up to the first rejection, if the server needs to be waited for."""
        if self._codes or self._unfinished_line or self._transport.is_closing():
            raise ConnectionResetError("the mail server closed the connection")
        if "pipelining" in self._extensions:
            self._transport.write(b"".join(commands))
            return [await self._reply() for _ in commands]
        codes: list[int] = []
        for command in commands:
            self._transport.write(command)
            codes.append(await self._reply())
            if codes[-1] >= _NEGATIVE:
                break
        return codes

    async def _reply(self) -> int:
        while not self._codes:
            if self._is_lost:
                raise ConnectionResetError("the mail server closed the connection")
            self._received.clear()
            await self._received.wait()
        return self._codes.popleft()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        *lines, self._unfinished_line = (self._unfinished_line + data).split(b"\n")
        # Before its last line a reply has "-" after the code. What is no reply makes the connection useless.
        self._codes.extend(
            int(line[:3]) if line[:3].isdigit() else _CLOSING for line in lines if line[3:4] != b"-"
        )
        if len(self._unfinished_line) > _MAX_LINE_BYTES:
            self._transport.abort()
        self._received.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._is_lost = True
        self._received.set()
