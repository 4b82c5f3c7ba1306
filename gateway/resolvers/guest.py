"""Guests and the links to their orders."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.types.account import AuthPayload


@strawberry.type
class GuestMutations:
    """Mutations of guests."""

    @strawberry.mutation(
        description="Creates a guest, an account that cannot sign in, and its session; its token works everywhere. Call it when something "
        "is first put into a cart. Rate limited (reason GUEST_THROTTLED)."
    )
    async def start_guest(self, info: Info) -> AuthPayload | None:
        """StartGuest."""
        return await info.context.peers.guest.start()

    @strawberry.mutation(
        description="Exchanges the token of a link in a mail to a guest for a session of the guest. The token works for 30 days, on any "
        "device; never for an account with a password."
    )
    async def open_order_link(
        self,
        info: Info,
        token: Annotated[str, argument("The part of the emailed link that follows #token=.")],
    ) -> AuthPayload | None:
        """OpenOrderLink."""
        info.context.clear_loaders()
        return await info.context.peers.guest.open_order_link(token)

    @strawberry.mutation(
        description="Emails a guest another link to its orders; earlier links stop working. Always true, whether or not a guest has this "
        "order and this address."
    )
    async def request_order_link(
        self,
        info: Info,
        number: Annotated[str, argument("The order's number.")],
        email: Annotated[str, argument("The address that was given with the order.")],
    ) -> bool | None:
        """RequestOrderLink."""
        await info.context.peers.guest.request_order_link(number, email)
        return True
