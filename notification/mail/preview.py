"""Previews of every mail in the browser, with a sample order; served in development only."""

from datetime import timedelta
from html import escape
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from souk.order.v1 import order_pb2
from souk.payment.v1 import payment_pb2

from kit.auth import Sealer
from kit.errors import NotFound
from kit.values import ACCOUNT, NOTIFICATION, ORDER, PAYMENT, REFUND, Clock, Money, money_to_proto
from notification.contexts.messages import DECLINES, link_context, order_context, refund_context
from notification.mail.domain import Mail
from notification.mail.rendering import Renderer
from notification.notifications.domain import Notification, Template
from notification.recipients.domain import Recipient

_ACCOUNT: Final = ACCOUNT.derive("preview")
_EVENT: Final = NOTIFICATION.derive("preview")
_ORDER: Final = ORDER.derive("preview")
_LINES: Final = (
    ("Laptop", 99_999, 1, ()),
    ("Cable <1 m> & adapter", 1_950, 2, (("Colour", "Sand"), ("Plug", "EU"))),
)
_ADDRESS: Final = order_pb2.Address(
    name="Zoë O'Neill",
    line1="1 Market Street",
    city="Springfield",
    region="IL",
    postal_code="62701",
    country_code="US",
)
_BY_ADMIN: Final = "CANCEL_REASON_ADMIN"
_NOTES: Final = {
    Template.SHIPPED: "Tracking number 00340434161094042557",
    Template.DELIVERED: "Left with the neighbour at number 3",
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>Mail templates</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 1rem }}
ul {{ list-style: none; margin: 0; padding: 0 }}
li {{ display: flex; gap: 1rem; border-top: 1px solid #8884 }}
a {{ flex: 1; padding: .75rem 0; color: inherit }}
a.text {{ flex: none; padding: .75rem }}
</style>
</head>
<body>
<h1>Mail templates</h1>
<p>Every mail that a customer gets, with a sample order, as HTML and as text.</p>
<ul>{links}</ul>
</body>
</html>
"""


class TemplateNotFound(NotFound):
    """There is no template of this name."""

    reason = "TEMPLATE_NOT_FOUND"
    default_message = "no such template"


def preview_routes(renderer: Renderer, sealer: Sealer, clock: Clock) -> list[HTTPRouteHandler]:
    """/preview lists the mails, /preview/NAME shows one, /preview/NAME/text its plain text."""

    @get("/preview", sync_to_thread=False)
    def index() -> Response[str]:
        links = "".join(
            f'<li><a href="/preview/{name}">{escape(mail.subject)}{_variant(name)}</a>'
            f'<a class="text" href="/preview/{name}/text">text</a></li>'
            for name, mail in mails(renderer, sealer, clock).items()
        )
        return Response(_PAGE.format(links=links), media_type="text/html")

    @get("/preview/{name:str}", sync_to_thread=False)
    def html(name: str) -> Response[str]:
        return Response(_mail(renderer, sealer, clock, name).html, media_type="text/html")

    @get("/preview/{name:str}/text", sync_to_thread=False)
    def text(name: str) -> Response[str]:
        return Response(_mail(renderer, sealer, clock, name).text, media_type="text/plain")

    return [index, html, text]


def mails(renderer: Renderer, sealer: Sealer, clock: Clock) -> dict[str, Mail]:
    """One mail per template; for cancellations one per reason or failure code, named `order_cancelled-card_declined`."""
    now = clock()
    recipient = Recipient(_ACCOUNT, "Zoë O'Neill", "zoe@example.com", now, email_verified=True)
    samples = {Template.WELCOME.value: Notification.welcome(_ACCOUNT, now)}
    for template, hours in (
        (Template.EMAIL_VERIFICATION, 24),
        (Template.PASSWORD_RESET, 0.5),
        (Template.ORDER_LINK, 720),
    ):
        until = now + timedelta(hours=hours)
        context = link_context(sealer.seal("sample-token"), until, now)
        samples[template.value] = Notification.with_link(template, _EVENT, _ACCOUNT, context, until, now)
    for template in (
        Template.ORDER_PLACED,
        Template.ORDER_CONFIRMED,
        Template.SHIPPED,
        Template.DELIVERED,
    ):
        samples[template.value] = Notification.about_order(
            template, _ORDER, _ACCOUNT, _context(_NOTES.get(template, "")), now
        )
    for variant, reason, note in _cancellations():
        context = _context(note, cancel_reason=reason)
        samples[f"{Template.ORDER_CANCELLED.value}-{variant}"] = Notification.about_order(
            Template.ORDER_CANCELLED, _ORDER, _ACCOUNT, context, now
        )
    samples[Template.REFUNDED.value] = Notification.about_refund(
        REFUND.derive("preview"), _ORDER, _ACCOUNT, _refund_context(), now
    )
    return {name: renderer.mail(notification, recipient) for name, notification in samples.items()}


def _cancellations() -> list[tuple[str, str, str]]:
    """Name, reason and note of a sample per reason and per failure code of a payment."""
    reasons = [
        (
            name.removeprefix("CANCEL_REASON_").lower(),
            name,
            "The colour is sold out." if name == _BY_ADMIN else "",
        )
        for name, number in order_pb2.CancelReason.items()
        if number
    ]
    return reasons + [(code, "CANCEL_REASON_PAYMENT_FAILED", code) for code in DECLINES]


def _variant(name: str) -> str:
    """Distinguishes mails with the same subject: the reason of a cancellation."""
    _, _, variant = name.partition("-")
    return f" ({variant.replace('_', ' ')})" if variant else ""


def _mail(renderer: Renderer, sealer: Sealer, clock: Clock, name: str) -> Mail:
    previews = mails(renderer, sealer, clock)
    if name not in previews:
        raise TemplateNotFound()
    return previews[name]


def _context(note: str = "", **fields: Any) -> dict[str, Any]:
    lines = [
        order_pb2.OrderLine(
            name=name,
            unit_price=money_to_proto(Money(minor, "USD")),
            quantity=quantity,
            options=[order_pb2.OptionValue(name=option, value=value) for option, value in options],
        )
        for name, minor, quantity, options in _LINES
    ]
    goods = sum(minor * quantity for _, minor, quantity, _ in _LINES)
    shipping, tax = 690, goods * 8 // 100
    total = money_to_proto(Money(goods + shipping + tax, "USD"))
    order = order_pb2.Order(
        id=ORDER.format(_ORDER),
        number="1042",
        lines=lines,
        total=total,
        subtotal=money_to_proto(Money(goods, "USD")),
        shipping=order_pb2.OrderShipping(
            name="Parcel post",
            tax=money_to_proto(Money(0, "USD")),
            total=money_to_proto(Money(shipping, "USD")),
        ),
        taxes=[order_pb2.OrderTax(name="Sales tax", ppm=80_000, amount=money_to_proto(Money(tax, "USD")))],
        shipping_address=_ADDRESS,
        history=[order_pb2.OrderStatusChange(note=note)],
        **fields,
    )
    return order_context(order)


def _refund_context() -> dict[str, Any]:
    amount = money_to_proto(Money(1_234, "USD"))
    paid = payment_pb2.Payment(id=PAYMENT.format(PAYMENT.derive("preview")), order_id=ORDER.format(_ORDER))
    return refund_context(paid, payment_pb2.Refund(amount=amount))
