"""Arguments that several fields share."""

from typing import Annotated

import strawberry
from strawberry import argument

AccountId = Annotated[strawberry.ID, argument("Starts with acc_.")]
ProductId = Annotated[strawberry.ID, argument("Starts with prod_.")]
VariantId = Annotated[strawberry.ID, argument("Starts with var_.")]
SoldId = Annotated[strawberry.ID, argument("Starts with var_, or prod_ of a product without options.")]
OrderId = Annotated[strawberry.ID, argument("Starts with ord_.")]
PaymentId = Annotated[strawberry.ID, argument("Starts with pay_.")]

AccountFilter = Annotated[strawberry.ID | None, argument("Only this account's; null: all accounts'.")]
AboutOrder = Annotated[strawberry.ID | None, argument("Only those about this order.")]

IdempotencyKey = Annotated[
    str,
    argument(
        "Chosen by the client, 1-255 characters. Repeating the key with the same input has no further effect; with "
        "different input it fails with IDEMPOTENCY_CONFLICT."
    ),
]
