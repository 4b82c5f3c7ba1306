"""Saved payment methods of an account."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.types.account import Account
from gateway.types.saved_method import MethodSetup, SavedMethod
from kit.graphql import relation

MethodId = Annotated[strawberry.ID, argument("Begins with pme_.")]


@relation(
    Account,
    description="Owner or ADMIN. The account's saved payment methods, the default first, then the newest; at most 10.",
)
async def payment_methods(self: Account, info: Info) -> list[SavedMethod] | None:
    """Loaded for all accounts of a request together."""
    context = info.context
    loaded = await context.load("payment_methods", self.id, context.peers.saved_method.list_by_account)
    return list(loaded or ())


@strawberry.type
class SavedMethodMutations:
    """Saving and deleting payment methods."""

    @strawberry.mutation(
        description="Starts to save a payment method of the signed-in account, which the page then confirms at the provider. With 10 it "
        "fails with FAILED_PRECONDITION (reason METHOD_LIMIT), after too many starts within an hour with RATE_LIMITED (reason "
        "TOO_MANY_METHOD_SETUPS). Not for guests."
    )
    async def start_saving_payment_method(self, info: Info) -> MethodSetup | None:
        """StartSavingMethod."""
        return await info.context.peers.saved_method.start_saving()

    @strawberry.mutation(description="Makes a payment method of the signed-in account its default.")
    async def set_default_payment_method(self, info: Info, id: MethodId) -> SavedMethod | None:
        """SetDefaultMethod."""
        return await info.context.peers.saved_method.set_default(id)

    @strawberry.mutation(
        description="Deletes a payment method of the signed-in account; the provider forgets the card. Returns true."
    )
    async def delete_payment_method(self, info: Info, id: MethodId) -> bool | None:
        """DeleteMethod."""
        await info.context.peers.saved_method.delete(id)
        return True
