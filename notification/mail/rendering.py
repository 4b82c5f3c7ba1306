"""Notifications -> mails. Every template has a text and an HTML file; a variable that the context lacks is an error."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from kit.auth import Sealer
from kit.errors import JsonValue
from kit.telemetry import get_logger
from kit.values import ACCOUNT, NOTIFICATION
from notification.mail.domain import Mail
from notification.mail.errors import MailNotRendered
from notification.notifications.domain import Notification
from notification.recipients.domain import Recipient

log = get_logger(__name__)

# Symbols of the English locale in Unicode CLDR; other currencies are written with their code.
_SYMBOLS: Final[Mapping[str, str]] = {
    "AUD": "A$",
    "CAD": "CA$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "USD": "$",
}
_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


class Renderer:
    """Renders mails; `shop_url` starts their links, `mail_domain` ends their Message-IDs, `sealer` decrypts their links' tokens."""

    def __init__(self, *, shop_url: str, mail_domain: str, sealer: Sealer) -> None:
        self._templates = Environment(
            loader=PackageLoader("notification.mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            # Otherwise each mail looks 16 times whether a file has changed.
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters["amount"] = amount_text
        self._shop_url = shop_url
        self._domain = mail_domain
        self._sealer = sealer

    def mail(self, notification: Notification, recipient: Recipient) -> Mail:
        """The mail of a notification; raises MailNotRendered."""
        try:
            context = {
                **_personalized(recipient, self._with_token(notification.context)),
                "order_name": _order_name(notification.context),
                "is_guest": recipient.is_guest,
                "subject": notification.subject,
                "shop_url": self._shop_url,
                "order_url": self._order_url(notification.context, recipient),
            }
            text, html = (self._render(notification, kind, context) for kind in ("txt", "html"))
        except (TemplateError, ValueError) as error:
            raise MailNotRendered() from error
        return Mail(
            message_id=f"<{NOTIFICATION.format(notification.id)}@{self._domain}>",
            recipient=recipient.email,
            subject=notification.subject,
            text=text,
            html=html,
        )

    def _order_url(self, context: Mapping[str, JsonValue], recipient: Recipient) -> str:
        """Where the order is shown: its owner signs in there, a guest's link signs it in."""
        url = f"{self._shop_url}/orders/{context.get('order_id', '')}"
        link = recipient.order_link
        if not recipient.is_guest or link is None:
            return url
        try:
            return f"{url}#token={self._sealer.unseal(link.sealed_token)}"
        except ValueError:
            # The key was rotated since the guest left its contact. The mail is needed all the same; the page offers a new link.
            log.warning("mail.order_link_not_readable", account_id=ACCOUNT.format(recipient.account_id))
            return url

    def _with_token(self, context: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        # Tokens of links are decrypted only here and in _order_url.
        sealed = context.get("sealed_token")
        return (
            {**context, "token": self._sealer.unseal(sealed.encode())} if isinstance(sealed, str) else context
        )

    def _render(self, notification: Notification, kind: str, context: Mapping[str, JsonValue]) -> str:
        return self._templates.get_template(f"{notification.template}.{kind}").render(context)


def _order_name(context: Mapping[str, JsonValue]) -> JsonValue:
    """What the mail calls its order: the number; the id in rows that an earlier release queued, and in mails about refunds."""
    return context.get("order_number") or context.get("order_id", "")


def _personalized(recipient: Recipient, context: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Adds the recipient's name. While the address is unverified it removes all text that the recipient chose, because a spammer
    could use it to advertise to strangers in our name (ADR 0024).
    """
    if recipient.email_verified:
        return {**context, "name": recipient.name}
    # Rows that an earlier release queued do not say who wrote the note.
    note = "" if context.get("note_is_customers", True) else context.get("note", "")
    return {**context, "name": "", "address": [], "note": note}


def amount_text(decimal: str, currency: str) -> str:
    """The amount with its currency, as English texts write it; `decimal` comes from `Money.text`, with the currency's decimals."""
    value = Decimal(decimal)
    unit = _SYMBOLS.get(currency, currency + _NO_BREAK_SPACE)
    return f"{'-' if value < 0 else ''}{unit}{abs(value):,f}"
