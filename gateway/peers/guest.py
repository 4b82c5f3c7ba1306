"""Guests, who are part of the account service."""

from souk.account.v1 import guest_service_pb2 as pb

from gateway.peers.account import account_of, auth_payload
from gateway.types.account import Account, AuthPayload
from kit.identity import Identity
from kit.rpc import Peer


class Guests(Peer):
    """Guests and the links to their orders."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["GuestService"], identity)

    async def start(self) -> AuthPayload:
        """StartGuest."""
        response = await self._call("StartGuest", pb.StartGuestRequest(), pb.StartGuestResponse)
        return auth_payload(response.account, response.tokens)

    async def set_contact(self, name: str, email: str, phone: str | None) -> Account:
        """SetGuestContact. Invalid fields are named within `contact`."""
        request = pb.SetGuestContactRequest(name=name, email=email, phone=phone or "")
        return account_of((await self._call("SetGuestContact", request, pb.SetGuestContactResponse)).account)

    async def open_order_link(self, token: str) -> AuthPayload:
        """OpenOrderLink."""
        request = pb.OpenOrderLinkRequest(token=token)
        response = await self._call("OpenOrderLink", request, pb.OpenOrderLinkResponse)
        return auth_payload(response.account, response.tokens)

    async def request_order_link(self, number: str, email: str) -> None:
        """RequestOrderLink."""
        request = pb.RequestOrderLinkRequest(number=number, email=email)
        await self._call("RequestOrderLink", request, pb.RequestOrderLinkResponse)
