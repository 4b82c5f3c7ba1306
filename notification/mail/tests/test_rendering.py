"""Every template in text and HTML: complete, and escaped in HTML."""

from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from kit.auth import Sealer
from kit.errors import JsonValue
from kit.testing import FakeClock
from kit.values import NOTIFICATION
from notification.contexts.messages import link_context
from notification.mail.domain import Mail
from notification.mail.errors import MailNotRendered
from notification.mail.rendering import amount_text
from notification.mail.tests.fakes import RENDERER, SEALER
from notification.notifications.domain import Notification, Template
from notification.notifications.tests.fakes import about_order
from notification.recipients.domain import OrderLink
from notification.recipients.tests.fakes import john

ABOUT_ORDERS = [
    Template.ORDER_PLACED,
    Template.ORDER_CONFIRMED,
    Template.ORDER_CANCELLED,
    Template.SHIPPED,
    Template.DELIVERED,
]


def rendered(notification: Notification, *, name: str = "John Doe") -> Mail:
    return RENDERER.mail(notification, replace(john(FakeClock()), name=name))


@pytest.mark.parametrize("template", ABOUT_ORDERS)
def test_every_mail_about_an_order_names_it(template: Template) -> None:
    mail = rendered(about_order(FakeClock(), uuid4(), template=template))
    assert "ord_1" in mail.text
    assert "ord_1" in mail.html


@pytest.mark.parametrize("template", ABOUT_ORDERS)
def test_a_mail_calls_its_order_by_the_number_and_one_of_an_earlier_release_by_the_id(
    template: Template,
) -> None:
    notification = about_order(FakeClock(), uuid4(), template=template)
    assert "order ord_1 " in rendered(notification).text
    notification.context = {**notification.context, "order_number": "1042"}
    mail = rendered(notification)
    assert "order 1042 " in mail.text
    assert "<b>1042</b>" in mail.html


def test_a_confirmation_lists_the_lines_and_the_total() -> None:
    mail = rendered(about_order(FakeClock(), uuid4()))
    assert "  2 x Mug <blue>, $9.99 each: $19.98\n  Total: $19.98\n" in mail.text
    assert "Mug &lt;blue&gt;" in mail.html


def test_a_line_names_its_variant_escaped_in_html() -> None:
    notification = about_order(FakeClock(), uuid4())
    [line] = cast(list[dict[str, JsonValue]], notification.context["lines"])
    notification.context = {**notification.context, "lines": [{**line, "options": "<Sand>, 40"}]}
    mail = rendered(notification)
    assert "  2 x Mug <blue> (<Sand>, 40), $9.99 each: $19.98" in mail.text
    assert "(&lt;Sand&gt;, 40)" in mail.html


def test_a_cancellation_states_its_reason() -> None:
    mail = rendered(about_order(FakeClock(), uuid4(), template=Template.ORDER_CANCELLED))
    assert "was cancelled. Your payment was declined." in mail.text
    assert "Your payment was declined." in mail.html


@pytest.mark.parametrize("template", ABOUT_ORDERS)
def test_a_mail_about_an_order_has_its_note_its_address_and_a_link_to_it(template: Template) -> None:
    mail = rendered(about_order(FakeClock(), uuid4(), template=template))
    for body in (mail.text, mail.html):
        assert "Parcel 00340434161094042557" in body
        assert "1 Market Street" in body
        assert "Springfield IL 62701" in body
        assert "https://souk.test/orders/ord_1" in body


def test_a_mail_about_an_order_without_note_and_address_has_no_empty_sections() -> None:
    notification = about_order(FakeClock(), uuid4())
    notification.context = {**notification.context, "note": "", "address": []}
    mail = rendered(notification)
    assert "Delivery address" not in mail.text + mail.html
    assert "\n\n\n" not in mail.text


def test_a_mail_queued_by_a_release_without_notes_and_addresses_is_rendered() -> None:
    notification = about_order(FakeClock(), uuid4())
    notification.context = {
        key: value for key, value in notification.context.items() if key not in ("note", "address")
    }
    assert "Total: $19.98" in rendered(notification).text


@pytest.mark.parametrize(
    ("decimal", "currency", "text"),
    [
        ("1038.99", "USD", "$1,038.99"),
        ("-5.00", "EUR", "-€5.00"),
        ("900", "JPY", "¥900"),
        ("1234567", "JPY", "¥1,234,567"),
        ("18.600", "KWD", "KWD\N{NO-BREAK SPACE}18.600"),
        ("0.00", "CHF", "CHF\N{NO-BREAK SPACE}0.00"),
    ],
)
def test_amounts_are_formatted_with_their_currency(decimal: str, currency: str, text: str) -> None:
    assert amount_text(decimal, currency) == text


def test_a_refund_states_its_amount_and_order() -> None:
    context = {"order_id": "ord_1", "amount": "5.00", "currency": "USD"}
    mail = rendered(Notification.about_refund(uuid4(), uuid4(), uuid4(), context, FakeClock()()))
    for body in (mail.text, mail.html):
        assert "$5.00" in body
        assert "ord_1" in body


def test_a_welcome_greets_by_name_and_links_to_the_shop() -> None:
    mail = rendered(Notification.welcome(uuid4(), FakeClock()()))
    assert mail.text.startswith("Hello John Doe,")
    assert "https://souk.test" in mail.text
    assert 'href="https://souk.test"' in mail.html


@pytest.mark.parametrize(
    ("template", "link"),
    [
        (Template.PASSWORD_RESET, "https://souk.test/reset-password#token=a-token_1"),
        (Template.EMAIL_VERIFICATION, "https://souk.test/verify-email#token=a-token_1"),
    ],
)
def test_a_link_has_the_decrypted_token_and_the_mail_states_its_lifetime(
    template: Template, link: str
) -> None:
    now = FakeClock()()
    expire_time = now + timedelta(minutes=30)
    context = link_context(SEALER.seal("a-token_1"), expire_time, now)
    mail = rendered(Notification.with_link(template, uuid4(), uuid4(), context, expire_time, now))
    assert link in mail.text
    assert f'href="{link}"' in mail.html
    assert "Within 30 minutes" in mail.text
    assert "a-token_1" not in str(context)


def test_a_token_sealed_with_another_key_is_not_sent() -> None:
    now = FakeClock()()
    context = link_context(Sealer(Fernet.generate_key().decode()).seal("a-token"), now, now)
    with pytest.raises(MailNotRendered):
        rendered(Notification.with_link(Template.PASSWORD_RESET, uuid4(), uuid4(), context, now, now))


def test_a_guests_mail_goes_without_its_link_after_the_key_was_rotated() -> None:
    now = FakeClock()()
    sealed = Sealer(Fernet.generate_key().decode()).seal("a-token")
    guest = replace(john(FakeClock()), is_guest=True, order_link=OrderLink(sealed, now))
    mail = RENDERER.mail(about_order(FakeClock(), uuid4()), guest)
    assert "/orders/ord_" in mail.text
    assert "#token=" not in mail.text


@pytest.mark.parametrize(("is_guest", "reason"), [(False, "you have an account"), (True, "you ordered")])
def test_a_mail_says_why_it_was_sent(is_guest: bool, reason: str) -> None:
    recipient = replace(john(FakeClock()), is_guest=is_guest)
    assert (
        f"You get this mail because {reason} at <a"
        in RENDERER.mail(about_order(FakeClock(), uuid4()), recipient).html
    )


def test_names_are_escaped_in_html() -> None:
    mail = rendered(Notification.welcome(uuid4(), FakeClock()()), name="<script>alert(1)</script>")
    assert "<script>" not in mail.html
    assert "Hello <script>alert(1)</script>," in mail.text


def test_a_note_queued_by_an_earlier_release_is_treated_as_the_customers() -> None:
    unverified = replace(john(FakeClock()), email_verified=False)
    mail = RENDERER.mail(about_order(FakeClock(), uuid4(), template=Template.ORDER_CANCELLED), unverified)
    for body in (mail.text, mail.html):
        assert "Parcel" not in body
        assert "Market Street" not in body
        assert "John" not in body


def test_the_message_id_is_the_notifications_id_at_our_domain() -> None:
    notification = about_order(FakeClock(), uuid4())
    assert rendered(notification).message_id == f"<{NOTIFICATION.format(notification.id)}@souk.test>"


def test_a_missing_variable_is_an_error() -> None:
    notification = about_order(FakeClock(), uuid4())
    notification.context = {"order_id": "ord_1"}
    with pytest.raises(MailNotRendered):
        rendered(notification)
