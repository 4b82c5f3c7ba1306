"""The address book of an account."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.types.account import Account
from gateway.types.address import CreateAddressInput, SavedAddress, UpdateAddressInput
from kit.graphql import relation

AddressId = Annotated[strawberry.ID, argument("Starts with adr_.")]


@relation(
    Account,
    description="Owner or ADMIN. The account's address book, oldest first, at most 50; not for guests.",
)
async def addresses(self: Account, info: Info) -> list[SavedAddress] | None:
    """Loaded for all accounts of a request together."""
    context = info.context
    loaded = await context.load("addresses", self.id, context.peers.address.list_by_account)
    return list(loaded or ())


@strawberry.type
class AddressMutations:
    """Changes of the address book."""

    @strawberry.mutation(
        description="Adds an address to the signed-in account. With 50 it fails with FAILED_PRECONDITION (reason ADDRESS_LIMIT). Not "
        "for guests."
    )
    async def create_address(
        self, info: Info, input: Annotated[CreateAddressInput, argument("The new address.")]
    ) -> SavedAddress | None:
        """CreateAddress."""
        return await info.context.peers.address.create(input)

    @strawberry.mutation(description="Changes an address of the signed-in account. Orders keep their copies.")
    async def update_address(
        self,
        info: Info,
        id: AddressId,
        input: Annotated[UpdateAddressInput, argument("The changes.")],
    ) -> SavedAddress | None:
        """UpdateAddress."""
        return await info.context.peers.address.update(id, input)

    @strawberry.mutation(
        description="Deletes an address of the signed-in account. No other becomes the default in its place."
    )
    async def delete_address(self, info: Info, id: AddressId) -> bool | None:
        """DeleteAddress."""
        await info.context.peers.address.delete(id)
        return True
