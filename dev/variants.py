"""Options and variants of seeded products, for `make run`: tests and load sell their products as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product as combinations

from souk.catalog.v1 import product_pb2, variant_service_pb2

from dev.catalogue import Article
from kit.values import PRODUCT, VARIANT, Money, money_to_proto

SERVICE = variant_service_pb2.DESCRIPTOR.services_by_name["VariantService"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option; a value further on in the list costs `surcharge` US cents more than the one before it."""

    name: str
    values: Sequence[str]
    surcharge: int = 0


# What comes in sizes or colours, by category.
_OPTIONS = {
    "Shoes": (Option("Colour", ("Black", "Sand", "Red")), Option("Size", ("38", "40", "42", "44"))),
    "Jackets": (Option("Colour", ("Navy", "Olive")), Option("Size", ("S", "M", "L", "XL"))),
    "Phones": (Option("Storage", ("128 GB", "256 GB", "512 GB"), 10_000), Option("Colour", ("Graphite", "Silver"))),
    "Bedding": (Option("Size", ("Single", "Double", "King"), 2_000),),
    "Bags": (Option("Colour", ("Black", "Tan", "Green")),),
}  # fmt: skip


def variants_request(article: Article, product_id: str) -> variant_service_pb2.SetVariantsRequest | None:
    """Declares the variants of a product that comes in options; None of one that does not.

    The first variant keeps the product's id, stock, and SKU, by which the next start finds that the product exists. Of the last
    combination there is none, as shops never have all of them.
    """
    options = _OPTIONS.get(article.category)
    if not options or article.stock is None:
        return None
    request = variant_service_pb2.SetVariantsRequest(
        product_id=product_id,
        options=[product_pb2.ProductOption(name=option.name, values=option.values) for option in options],
    )
    for number, values in enumerate(list(combinations(*(option.values for option in options)))[:-1]):
        surcharge = sum(
            option.surcharge * option.values.index(value)
            for option, value in zip(options, values, strict=True)
        )
        request.variants.add(
            id=VARIANT.format(PRODUCT.parse(product_id)) if number == 0 else "",
            options=[
                product_pb2.OptionValue(name=option.name, value=value)
                for option, value in zip(options, values, strict=True)
            ],
            sku=f"{article.sku}-{number + 1}" if number else article.sku,
            price=money_to_proto(Money(article.price + surcharge, "USD")),
            weight_grams=500,
            requires_shipping=True,
            stock=(article.stock + 7 * number) % 60,
        )
    return request
