"""Arguments that several fields share."""

from typing import Annotated

import strawberry

AccountId = Annotated[strawberry.ID, strawberry.argument(description="Starts with acc_.")]
ProductId = Annotated[strawberry.ID, strawberry.argument(description="Starts with prod_.")]
OrderId = Annotated[strawberry.ID, strawberry.argument(description="Starts with ord_.")]
PaymentId = Annotated[strawberry.ID, strawberry.argument(description="Starts with pay_.")]

AccountFilter = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only this account's; null: all accounts'.")
]
AboutOrder = Annotated[strawberry.ID | None, strawberry.argument(description="Only those about this order.")]

First = Annotated[int | None, strawberry.argument(description="Page size, 1-100; null: 20.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page starts.")]

IdempotencyKey = Annotated[
    str,
    strawberry.argument(
        description="Chosen by the client, 1-255 characters. Repeating the key with the same input has no further effect; with "
        "different input it fails with IDEMPOTENCY_CONFLICT."
    ),
]
