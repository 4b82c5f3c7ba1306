"""Options of products, as catalogue and orders have them."""

import strawberry


@strawberry.type(description="What a variant is of one option of its product.")
class OptionValue:
    """What a variant is of one option of its product."""

    name: str = strawberry.field(description="E.g. Size.")
    value: str = strawberry.field(description="E.g. M.")
