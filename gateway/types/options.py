"""Options of products, as catalogue and orders have them."""

import strawberry


@strawberry.type(description="What a variant is of one option of its product.")
class OptionValue:
    """What a variant is of one option of its product."""

    name: str = strawberry.field(description="E.g. Size.")
    value: str = strawberry.field(description="E.g. M.")


@strawberry.type(description="One way in which the variants of a product differ.")
class ProductOption:
    """One way in which the variants of a product differ."""

    name: str = strawberry.field(description="E.g. Size.")
    values: list[str] = strawberry.field(description="In the order to be shown.")


@strawberry.input(description="A value of one option. Case, width and repeated spaces do not matter.")
class OptionValueInput:
    """A value of one option."""

    name: str = strawberry.field(description="E.g. Size.")
    value: str = strawberry.field(description="E.g. M.")


@strawberry.input(description="An option of a product.")
class ProductOptionInput:
    """An option of a product."""

    name: str = strawberry.field(description="1-50 characters, unique in its product.")
    values: list[str] = strawberry.field(
        description="In the order to be shown: 1-100, each of 1-100 characters and unique in its option."
    )


@strawberry.input(description="Values of one option. Case, width and repeated spaces do not matter.")
class OptionFilter:
    """Values of one option."""

    name: str = strawberry.field(description="E.g. Size.")
    values: list[str] = strawberry.field(description="1-10, any of which matches.")
