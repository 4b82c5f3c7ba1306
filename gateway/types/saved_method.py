"""Saved payment methods."""

import strawberry

from kit.graphql import Instant


@strawberry.type(description="A payment method that the account saved; the card itself is at the provider.")
class SavedMethod:
    """A saved payment method."""

    id: strawberry.ID = strawberry.field(
        description="Begins with pme_; createOrder takes it as paymentMethod."
    )
    brand: str = strawberry.field(description="The card's brand, e.g. visa.")
    last4: str = strawberry.field(description="The last four digits of the card's number.")
    exp_month: int = strawberry.field(description="1-12.")
    exp_year: int = strawberry.field(description="E.g. 2034.")
    is_default: bool = strawberry.field(
        description="Whether the page offers it first. Orders do not use it unless they name it."
    )
    created_at: Instant = strawberry.field(description="When it was saved.")


@strawberry.type(description="A payment method that is about to be saved.")
class MethodSetup:
    """What a page needs to save a payment method."""

    client_secret: str = strawberry.field(
        description="With it the page confirms the setup at the provider; then the method is listed within seconds."
    )
