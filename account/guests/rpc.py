"""The RPCs of guests, without those of their mailed links."""

from souk.account.v1 import guest_service_pb2 as pb

from account.accounts.messages import account_to_proto
from account.guests.merging import GuestMerges
from account.guests.messages import contact_from_proto
from account.guests.ports import GuestTokenVerifier
from account.guests.use_cases import GuestContacts, GuestStarts
from account.sessions.messages import tokens_to_proto
from kit.rpc import Call
from kit.values import ACCOUNT


class GuestsRpc:
    """Serves guests. `verifier` also verifies tokens of sessions that were revoked, so that a merge can be repeated."""

    def __init__(
        self, starts: GuestStarts, contacts: GuestContacts, merges: GuestMerges, verifier: GuestTokenVerifier
    ) -> None:
        self._starts = starts
        self._contacts = contacts
        self._merges = merges
        self._verifier = verifier

    async def start_guest(self, request: pb.StartGuestRequest, call: Call) -> pb.StartGuestResponse:
        """Public."""
        result = await self._starts.start(call.address)
        return pb.StartGuestResponse(account=account_to_proto(result.account), tokens=tokens_to_proto(result))

    async def set_guest_contact(
        self, request: pb.SetGuestContactRequest, call: Call
    ) -> pb.SetGuestContactResponse:
        """For the guest itself."""
        caller = call.require_principal()
        guest = await self._contacts.set_contact(caller, contact_from_proto(request))
        return pb.SetGuestContactResponse(account=account_to_proto(guest))

    async def merge_guest(self, request: pb.MergeGuestRequest, call: Call) -> pb.MergeGuestResponse:
        """For the owner of an account; the request's token identifies the guest."""
        caller = call.require_principal()
        guest_id = await self._merges.merge(caller, request.guest_token, self._verifier, call.address)
        return pb.MergeGuestResponse(guest_id=ACCOUNT.format(guest_id))
