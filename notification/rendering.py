"""Notifications -> mails. Every template is a text and an HTML; what a template names and the context lacks is an error."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from kit.auth import Sealer
from kit.errors import JsonValue
from kit.values import NOTIFICATION
from notification.domain import Mail, Notification, Recipient
from notification.errors import MailNotRendered

# The symbols of Unicode CLDR's English locale; a currency without one is written with its code.
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
    """Renders mails; `shop_url` is where their links lead, `mail_domain` ends their Message-IDs, `sealer` reads their links' tokens."""

    def __init__(self, *, shop_url: str, mail_domain: str, sealer: Sealer) -> None:
        self._templates = Environment(
            loader=PackageLoader("notification"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters["amount"] = amount_text
        self._shop_url = shop_url
        self._domain = mail_domain
        self._sealer = sealer

    def mail(self, notification: Notification, recipient: Recipient) -> Mail:
        """The mail that tells a notification; raises MailNotRendered."""
        try:
            context = {
                **_for(recipient, self._content(notification.context)),
                "subject": notification.subject,
                "shop_url": self._shop_url,
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

    def _content(self, context: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        # Only here, on its way into the mail, is a link's token readable.
        sealed = context.get("sealed_token")
        return (
            {**context, "token": self._sealer.unseal(sealed.encode())} if isinstance(sealed, str) else context
        )

    def _render(self, notification: Notification, kind: str, context: Mapping[str, JsonValue]) -> str:
        return self._templates.get_template(f"{notification.template}.{kind}").render(context)


def _for(recipient: Recipient, context: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """With the recipient's name; without what they chose themselves while the address may be another person's: it would advertise
    in our name.
    """
    if recipient.email_verified:
        return {**context, "name": recipient.name}
    # What an earlier release queued does not say whose its note is.
    note = "" if context.get("note_is_customers", True) else context.get("note", "")
    return {**context, "name": "", "address": [], "note": note}


def amount_text(decimal: str, currency: str) -> str:
    """The amount with its currency; `decimal` has exactly the currency's decimals, as `Money.text` writes it."""
    value = Decimal(decimal)
    unit = _SYMBOLS.get(currency, currency + _NO_BREAK_SPACE)
    return f"{'-' if value < 0 else ''}{unit}{abs(value):,f}"
