"""SMTP delivery, at least once; receivers recognise a repeated mail by its Message-ID."""

import asyncio

import aiosmtplib

from kit.telemetry import span
from notification.mail.domain import Mail
from notification.mail.errors import MailRejected, TemporaryDeliveryFailure
from notification.smtp.connection import ClosedBeforeContent, SmtpConnection, SmtpServer
from notification.smtp.encoding import EncodedMail, MailEncoder

# For one mail; shorter than the row's lease, so that no other worker sends the same mail concurrently.
_TIMEOUT_SECONDS = 10.0


class SmtpMailer:
    """`ports.Mailer` over SMTP, as a resource.

    Connections are reused; there are at most as many as mails were sent concurrently.
    """

    name = "smtp"

    def __init__(self, server: SmtpServer, *, sender: str) -> None:
        self._server = server
        self._encoder = MailEncoder(sender)
        self._idle: list[SmtpConnection] = []

    async def open(self) -> None:
        """Does nothing: connections are opened when there is a mail."""

    async def close(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def ping(self) -> None:
        """Does nothing: an unavailable mail server does not make the service unready, mails stay queued."""

    async def send(self, mail: Mail) -> None:
        """Raises MailRejected or TemporaryDeliveryFailure."""
        try:
            encoded = self._encoder.encode(mail)
        except ValueError as error:
            raise MailRejected() from error
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                with span("smtp send"):
                    await self._send(encoded)
        except (aiosmtplib.SMTPException, OSError) as error:
            # Errors of greeting and login are about us, not about this mail: it waits until an operator has fixed them.
            raise TemporaryDeliveryFailure() from error

    async def _send(self, mail: EncodedMail) -> None:
        while connection := self._reusable_connection():
            try:
                await self._send_on(connection, mail)
            except ClosedBeforeContent:
                # The server closed it while it was idle, which is normal.
                continue
            return
        await self._send_on(await SmtpConnection.open(self._server, _TIMEOUT_SECONDS), mail)

    async def _send_on(self, connection: SmtpConnection, mail: EncodedMail) -> None:
        try:
            await connection.send(mail)
        finally:
            # Not if it broke, or if the mail was cancelled halfway.
            if connection.is_reusable:
                self._idle.append(connection)
            else:
                connection.close()

    def _reusable_connection(self) -> SmtpConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
            connection.close()
        return None
