"""A stranger buys: from an empty browser to the confirmation mail, through the storefront, which uses the public API only."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.async_api import Route, expect

from tests.e2e.responses import within
from tests.e2e.shop import PASSWORD, Shop
from tests.e2e.stack import StackUnderTest, running_stack
from tests.e2e.storefront import DESK, PHONE, buyer, pay, to_checkout, to_payment

_JOURNEY_SECONDS = 15
_REFRESH_TOKEN = "() => sessionStorage.getItem('souk.refreshToken')"


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """A shop with taxes, shipping and variants, as `make run` has it."""
    with running_stack(rules=True) as running:
        yield running


@pytest.mark.parametrize(("name", "size"), [("phone-", PHONE), ("", DESK)])
async def test_a_stranger_buys_as_a_guest(stack: StackUnderTest, name: str, size: dict[str, int]) -> None:
    email = f"guest-{name}{time.time_ns()}@example.com"
    async with buyer(stack, size) as person:
        await to_payment(person, email, name=name)
        await person.looks(f"{name}payment")
        await pay(person, "4242 4242 4242 4242")
        await person.status("Paid")
        await person.looks(f"{name}order")


async def test_after_a_decline_another_card_passes_the_bank(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        await to_payment(person, f"retry-{time.time_ns()}@example.com", name="retry-")
        alert = person.page.get_by_role("alert")
        for number, message in (
            ("4000 0000 0000 0002", "Your bank declined the card."),
            ("4000 0000 0000 0069", "The card has expired. Use another card."),
            ("1234 5678 9012 3456", "There is no card with this number. Check its digits."),
        ):
            await pay(person, number)
            await expect(alert).to_have_count(1)
            await expect(alert).to_contain_text(message)
        await person.looks("declined")
        await pay(person, "4000 0027 6000 3184")
        await expect(person.page.get_by_text("Do you allow Souk to charge")).to_be_visible(timeout=30_000)
        await person.page.locator("#pass").click(timeout=30_000)
        await person.status("Paid")
        await expect(person.page.get_by_text(re.compile("^Delivery method: "))).to_be_visible()


async def test_an_order_that_the_buyer_cancels_leaves_the_cart_as_it_was(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        await to_payment(person, f"cancel-{time.time_ns()}@example.com", name="cancel-")
        await person.clicks("Cancel the order")
        await person.status("Cancelled. What you chose is in your cart again.")
        await expect(person.page.get_by_role("link", name="Cart 1 unit", exact=True)).to_be_visible()
        await person.looks("cancelled")
        await person.open("/cart")
        await expect(person.page.get_by_role("link", name="Go to checkout")).to_be_visible(timeout=30_000)
        await person.clicks("Your orders", "link")
        await expect(person.page.get_by_text("cancelled")).to_be_visible(timeout=30_000)


async def test_an_order_whose_response_was_lost_is_shown_when_it_is_ordered_again(
    stack: StackUnderTest,
) -> None:
    lost: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if lost or '"Checkout"' not in (route.request.post_data or ""):
            await route.continue_()
            return
        response = await route.fetch()
        lost.append((await response.json())["data"]["checkout"]["number"])
        await route.abort()

    async with buyer(stack) as person:
        await to_checkout(person, f"lost-{time.time_ns()}@example.com", name="lost-")
        await person.page.route("**/graphql", lose_the_first)
        await person.clicks(re.compile("^Order for"))
        await expect(person.page.get_by_role("alert")).to_contain_text("cannot be reached", timeout=30_000)
        await person.clicks(re.compile("^Order for"))
        await person.sees(f"Order {lost[0]}")


async def test_a_search_shows_the_products_of_its_own_parameters(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        cards = person.page.locator("a.card")
        await person.opens_results("/?sort=PRICE_ASC")
        before = await cards.all_inner_texts()
        await person.page.get_by_label("Sort by").select_option("PRICE_DESC")
        await expect(cards.first).not_to_have_text(before[0], timeout=30_000)
        first = await cards.all_inner_texts()
        await person.clicks("Show more")
        await expect(cards).to_have_count(2 * len(first), timeout=30_000)
        await person.opens_results("/?sort=PRICE_DESC")
        assert await cards.all_inner_texts() == first

        await person.page.get_by_role("checkbox", name=re.compile("^Lamps")).click()
        await person.sees("Lamps")
        await expect(person.page.get_by_role("status")).to_have_text(
            re.compile(r"^\d products"), timeout=30_000
        )
        await expect(cards.filter(has_text="Lamp")).to_have_count(await cards.count())


async def test_every_category_can_be_chosen_and_several_at_once(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        await person.opens_results("/")
        await person.clicks(re.compile("^Show all 20"))
        for name in ("Lamps", "Watches"):
            await person.page.get_by_role("checkbox", name=re.compile(f"^{name}")).click()
        await expect(person.page.get_by_role("status")).to_have_text("6 products", timeout=30_000)
        await person.sees("Lamps, Watches")
        await person.looks("categories")


async def test_ordering_waits_until_a_changed_address_is_saved(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        await to_checkout(person, f"changed-{time.time_ns()}@example.com", name="changed-")
        order = person.page.get_by_role("button", name=re.compile("^Order for"))
        await person.fills(Street="99 New Street")
        await expect(order).to_be_disabled()
        await expect(order).to_have_accessible_description("You have changed the address. Save it first.")
        await person.looks("changed-address")
        await person.clicks("Change the address")
        await expect(order).to_be_enabled(timeout=30_000)
        await order.click()
        await person.sees(re.compile(r"^Order \d+"))
        await expect(person.page.locator("address")).to_contain_text("99 New Street")


async def test_a_delivery_that_does_not_go_to_the_new_address_is_chosen_again(stack: StackUnderTest) -> None:
    async with buyer(stack, PHONE) as person:
        await to_checkout(person, f"moved-{time.time_ns()}@example.com", name="moved-")
        await person.fills(Street="1 Market Street", Postal_code="94103", City="San Francisco", Region="CA")
        await person.page.get_by_label("Country").select_option("US")
        await person.clicks("Change the address")
        order = person.page.get_by_role("button", name=re.compile("^Order for"))
        gone = re.compile("does not go to this address")
        await expect(order).to_have_accessible_description(gone, timeout=30_000)
        await expect(person.page.get_by_role("group", name="How should it come?")).to_be_focused()
        await person.clicks(re.compile("^Standard"), "radio")
        await expect(order).to_be_enabled(timeout=30_000)
        await order.click()
        await person.sees(re.compile(r"^Order \d+"))
        await expect(person.page.locator("address")).to_contain_text("San Francisco, CA 94103")


async def test_checkout_shows_what_the_cart_has_after_a_reload(stack: StackUnderTest) -> None:
    email = f"again-{time.time_ns()}@example.com"
    async with buyer(stack) as person:
        await to_checkout(person, email, name="again-")
        await person.page.reload()
        await person.sees("Checkout")
        known = {"Name": "Grace Guest", "Email": email, "Street": "1 High Street", "City": "London"}
        for label, value in {**known, "Postal code": "N1 9GU", "Country": "GB"}.items():
            await expect(person.page.get_by_label(label).first).to_have_value(value)
        await expect(person.page.get_by_role("button", name=re.compile("^Order for"))).to_be_enabled()


async def test_a_variant_is_chosen_and_the_cart_is_kept_at_login(stack: StackUnderTest) -> None:
    async with stack.shop() as shop:
        account = await shop.register()
    async with buyer(stack) as person:
        await person.opens_results("/?category=shoes&option.Colour=Sand&available=1")
        await person.page.locator("a.card").first.click()
        await person.page.get_by_text("Sand", exact=True).click()
        await person.page.get_by_text("40", exact=True).click()
        await person.looks("variants")
        await person.clicks("Add to cart")
        await person.clicks("Go to the cart", "link")
        await person.clicks("Go to checkout", "link")
        await person.clicks("I have an account", "link")
        await person.fills(Email=account.email, Password=PASSWORD)
        await person.looks("sign-in")
        await person.page.locator("main").get_by_role("button", name="Sign in").click()
        await person.sees("Checkout")
        await person.open("/cart")
        await expect(person.page.get_by_text("Sand, 40")).to_be_visible(timeout=30_000)


async def test_a_duplicated_tab_starts_signed_out_and_leaves_the_session_to_the_first(
    stack: StackUnderTest,
) -> None:
    async with stack.shop() as shop:
        account = await shop.register()
    async with buyer(stack) as person:
        await person.open("/sign-in")
        await person.fills(Email=account.email, Password=PASSWORD)
        await person.page.locator("main").get_by_role("button", name="Sign in").click()
        await person.sees("Your orders")
        token = await person.page.evaluate(_REFRESH_TOKEN)

        async with person.page.expect_popup() as opened:
            await person.page.evaluate("() => void window.open(location.href)")
        copy = await opened.value
        await expect(copy.get_by_role("link", name="Sign in").first).to_be_visible(timeout=30_000)
        assert await copy.evaluate(_REFRESH_TOKEN) is None

        for _ in range(2):
            await person.page.reload()
            await expect(person.page.get_by_text("Signed in as")).to_be_visible(timeout=30_000)
        assert token != await person.page.evaluate(_REFRESH_TOKEN)


async def test_errors_are_shown_in_words(stack: StackUnderTest) -> None:
    async with buyer(stack) as person:
        await person.open("/sign-in")
        await person.fills(Email="no-account@example.com", Password="WrongPassword123!")
        await person.page.locator("main").get_by_role("button", name="Sign in").click()
        await expect(person.page.get_by_role("alert")).to_contain_text(
            "The email address or the password is wrong."
        )
        await person.open("/orders#token=guessed")
        await expect(person.page.get_by_role("alert")).to_contain_text("This link has expired or was used.")
        for order_id in ("ord_01h455vb4pex5vsknk084sn02q", "guessed"):
            await person.open(f"/orders/{order_id}")
            await person.sees("Order not found")
        await person.open("/products/guessed")
        await person.sees("Not sold any more")
        await person.open("/sign-in?new")
        await person.fills(Name="Wanda Weak", Email="weak@example.com", Password="short")
        await person.clicks("Create the account")
        await expect(person.page.get_by_text("Use 8 to 72 characters.")).to_have_count(1)
        await expect(person.page.locator("main")).not_to_contain_text("bytes")


async def test_the_journey_takes_less_than_15_seconds_and_its_mail_opens_the_order(
    stack: StackUnderTest,
) -> None:
    email = f"quick-{time.time_ns()}@example.com"
    async with buyer(stack) as person:
        person.looks = _skip  # type: ignore[method-assign]
        started = time.monotonic()
        await to_payment(person, email)
        await pay(person, "4242424242424242")
        await person.status("Paid")
        async with stack.shop() as shop:
            text = await within(_JOURNEY_SECONDS, lambda: _confirmation(shop, email), "the confirmation mail")
        seconds = time.monotonic() - started
    assert seconds < _JOURNEY_SECONDS
    link = re.search(r"http://\S+(/orders/\S+#token=\S+)", text)
    assert link
    async with buyer(stack) as elsewhere:
        await elsewhere.open(link[1])
        await elsewhere.status("Paid")


async def _confirmation(shop: Shop, email: str) -> str | None:
    mails = await shop.mails_to(email)
    return next((mail.text for mail in mails if "confirmed" in mail.subject), None)


async def _skip(name: str) -> None:
    """In place of a screenshot."""
