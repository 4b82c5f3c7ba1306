"""Buys something with the client that ariadne-codegen generates from the schema. Arguments: the gateway and the seconds to wait.

A program of its own (test_typed_client starts it), because the client needs another version of graphql-core than the services.
"""

import asyncio
import secrets
import sys
import time
from decimal import Decimal

# A build output.
from souk_client import (  # type: ignore[import-not-found]
    Client,
    CreateOrderInput,
    CreateProductInput,
    LoginInput,
    OrderProductInput,
    OrderStatus,
    RegisterInput,
)


async def main(gateway: str, seconds: float) -> None:
    """Raises if anything is wrong."""
    url = f"{gateway}/graphql"
    email = f"john.{secrets.token_hex(6)}@example.com"
    async with Client(url) as anonymous:
        john = (
            await anonymous.register(RegisterInput(name="John Doe", email=email, password="SecurePass123!"))
        ).register
        admin = (await anonymous.log_in(LoginInput(email="admin@souk.test", password="AdminPass123!"))).login
    async with Client(url, headers={"Authorization": f"Bearer {admin.access_token}"}) as client:
        fields = CreateProductInput(
            name="Lamp", description="Of brass", price=Decimal("19.99"), currency="USD", stock=5
        )
        product = (await client.create_product(fields)).create_product
    assert product.price == Decimal("19.99")
    async with Client(url, headers={"Authorization": f"Bearer {john.access_token}"}) as client:
        me = (await client.me()).me
        assert (me.email, me.created_at.tzinfo is not None) == (email, True)
        lines = [OrderProductInput(id=product.id, quantity=2)]
        placed = (await client.create_order(CreateOrderInput(products=lines))).create_order
        assert placed.total_price == Decimal("39.98")
        end = time.monotonic() + seconds
        while (order := (await client.order(placed.id)).order).status is OrderStatus.PENDING:
            assert time.monotonic() < end, "the order stays PENDING"
            await asyncio.sleep(0.05)
        assert order.status is OrderStatus.CONFIRMED
        cancelled = (await client.cancel_order(placed.id, "found it cheaper")).cancel_order
        assert cancelled.status is OrderStatus.CANCELLED
    print("bought and cancelled")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
