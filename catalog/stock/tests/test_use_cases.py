"""Publishing changes of availability. Adjusting and overriding stock is tested at the edge and in `reservations.tests.test_races`."""

from catalog.stock.domain import ProductAvailabilityChanged
from catalog.tests.shop import Shop


async def test_the_current_availability_of_a_changed_product_is_published_once() -> None:
    shop = Shop()
    sold_out, restocked = await shop.product(stock=1), await shop.product(stock=1)
    await shop.reserve(sold_out)
    await shop.reservations.release(await shop.reserve(restocked))
    before = len(shop.events())

    await shop.stock.publish_availability_changes()
    await shop.stock.publish_availability_changes()

    expected = [
        ProductAvailabilityChanged(sold_out, available=False),
        ProductAvailabilityChanged(restocked, available=True),
    ]
    assert sorted(shop.events()[before:], key=repr) == sorted(expected, key=repr)
