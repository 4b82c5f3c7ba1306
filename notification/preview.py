"""Every mail as a browser shows it, with a made-up order in it; served in development only. What mails tell is `messages`' business."""

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
from notification.domain import Mail, Notification, Recipient, Template
from notification.messages import link_context, order_context, refund_context
from notification.rendering import Renderer

_ACCOUNT: Final = ACCOUNT.derive("preview")
_EVENT: Final = NOTIFICATION.derive("preview")
_ORDER: Final = ORDER.derive("preview")
_LINES: Final = (("Laptop", 99_999, 1), ("Cable <1 m> & adapter", 1_950, 2))
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


class NoSuchMail(NotFound):
    """There is no template of this name."""

    reason = "TEMPLATE_NOT_FOUND"
    default_message = "no such template"


def preview_routes(renderer: Renderer, sealer: Sealer, clock: Clock) -> list[HTTPRouteHandler]:
    """/preview lists the mails, /preview/NAME shows one, /preview/NAME/text its plain text."""

    @get("/preview", sync_to_thread=False)
    def listed() -> Response[str]:
        links = "".join(
            f'<li><a href="/preview/{name}">{escape(mail.subject)}{_variant(name)}</a> (<a href="/preview/{name}/text">text</a>)</li>'
            for name, mail in mails(renderer, sealer, clock).items()
        )
        return Response(
            f"<!doctype html><title>Mails</title><h1>Mails</h1><ul>{links}</ul>", media_type="text/html"
        )

    @get("/preview/{name:str}", sync_to_thread=False)
    def shown(name: str) -> Response[str]:
        return Response(_mail(renderer, sealer, clock, name).html, media_type="text/html")

    @get("/preview/{name:str}/text", sync_to_thread=False)
    def text(name: str) -> Response[str]:
        return Response(_mail(renderer, sealer, clock, name).text, media_type="text/plain")

    return [listed, shown, text]


def mails(renderer: Renderer, sealer: Sealer, clock: Clock) -> dict[str, Mail]:
    """One of each template; of cancellations one for each reason, `order_cancelled-payment_failed`."""
    now = clock()
    somebody = Recipient(_ACCOUNT, "Zoë O'Neill", "zoe@example.com", now, email_verified=True)
    found = {Template.WELCOME.value: Notification.welcome(_ACCOUNT, now)}
    for template, hours in ((Template.EMAIL_VERIFICATION, 24), (Template.PASSWORD_RESET, 0.5)):
        until = now + timedelta(hours=hours)
        context = link_context(sealer.seal("a-made-up-token"), until, now)
        found[template.value] = Notification.with_link(template, _EVENT, _ACCOUNT, context, until, now)
    for template in (
        Template.ORDER_PLACED,
        Template.ORDER_CONFIRMED,
        Template.SHIPPED,
        Template.DELIVERED,
    ):
        found[template.value] = Notification.about_order(
            template, _ORDER, _ACCOUNT, _context(_NOTES.get(template, "")), now
        )
    for name, number in order_pb2.CancelReason.items():
        if number:
            key = f"{Template.ORDER_CANCELLED.value}-{name.removeprefix('CANCEL_REASON_').lower()}"
            context = _context("The colour is sold out." if name == _BY_ADMIN else "", cancel_reason=name)
            found[key] = Notification.about_order(Template.ORDER_CANCELLED, _ORDER, _ACCOUNT, context, now)
    found[Template.REFUNDED.value] = Notification.about_refund(
        REFUND.derive("preview"), _ORDER, _ACCOUNT, _refund_context(), now
    )
    return {name: renderer.mail(notification, somebody) for name, notification in found.items()}


def _variant(name: str) -> str:
    """What tells mails with the same subject apart: the reason of a cancellation."""
    _, _, variant = name.partition("-")
    return f": {variant.replace('_', ' ')}" if variant else ""


def _mail(renderer: Renderer, sealer: Sealer, clock: Clock, name: str) -> Mail:
    known = mails(renderer, sealer, clock)
    if name not in known:
        raise NoSuchMail()
    return known[name]


def _context(note: str = "", **fields: Any) -> dict[str, Any]:
    lines = [
        order_pb2.OrderLine(name=name, unit_price=money_to_proto(Money(minor, "USD")), quantity=quantity)
        for name, minor, quantity in _LINES
    ]
    total = money_to_proto(Money(sum(minor * quantity for _, minor, quantity in _LINES), "USD"))
    order = order_pb2.Order(
        id=ORDER.format(_ORDER),
        lines=lines,
        total=total,
        shipping_address=_ADDRESS,
        history=[order_pb2.OrderStatusChange(note=note)],
        **fields,
    )
    return order_context(order)


def _refund_context() -> dict[str, Any]:
    amount = money_to_proto(Money(1_234, "USD"))
    paid = payment_pb2.Payment(id=PAYMENT.format(PAYMENT.derive("preview")), order_id=ORDER.format(_ORDER))
    return refund_context(paid, payment_pb2.Refund(amount=amount))
