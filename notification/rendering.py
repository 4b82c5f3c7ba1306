"""Notifications -> mails. Every template is a text and an HTML; what a template names and the context lacks is an error."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from kit.errors import JsonValue
from kit.values import NOTIFICATION
from notification.domain import Mail, Notification, Recipient
from notification.errors import MailNotRendered


class Renderer:
    """Renders mails; `shop_url` is where their links lead, `mail_domain` ends their Message-IDs."""

    def __init__(self, *, shop_url: str, mail_domain: str) -> None:
        self._templates = Environment(
            loader=PackageLoader("notification"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._shop_url = shop_url
        self._domain = mail_domain

    def mail(self, notification: Notification, recipient: Recipient) -> Mail:
        """The mail that tells a notification; raises MailNotRendered."""
        context = {
            **notification.context,
            "name": recipient.name,
            "subject": notification.subject,
            "shop_url": self._shop_url,
        }
        try:
            text, html = (self._render(notification, kind, context) for kind in ("txt", "html"))
        except TemplateError as error:
            raise MailNotRendered() from error
        return Mail(
            message_id=f"<{NOTIFICATION.format(notification.id)}@{self._domain}>",
            recipient=recipient.email,
            subject=notification.subject,
            text=text,
            html=html,
        )

    def _render(self, notification: Notification, kind: str, context: Mapping[str, JsonValue]) -> str:
        return self._templates.get_template(f"{notification.template}.{kind}").render(context)
