"""A fake of the account service's guests, as its contract says."""

from typing import Any

from souk.account.v1 import guest_service_pb2 as guest

from gateway.tests.fakes.account import TOKENS, one_account
from gateway.tests.fakes.recorder import Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import ACCOUNT


class GuestRpc(UnimplementedServicer):
    service = guest.DESCRIPTOR.services_by_name["GuestService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def start_guest(self, request: Any, call: Call) -> guest.StartGuestResponse:
        self._record("StartGuest", request, call)
        started = one_account("acc_1")
        started.name, started.email, started.guest = "", "", True
        return guest.StartGuestResponse(account=started, tokens=TOKENS)

    async def set_guest_contact(self, request: Any, call: Call) -> guest.SetGuestContactResponse:
        self._record("SetGuestContact", request, call)
        changed = one_account(ACCOUNT.format(call.require_principal().account_id))
        changed.name, changed.email, changed.guest = request.name, request.email, True
        return guest.SetGuestContactResponse(account=changed)

    async def merge_guest(self, request: Any, call: Call) -> guest.MergeGuestResponse:
        self._record("MergeGuest", request, call)
        return guest.MergeGuestResponse(guest_id="acc_1")

    async def open_order_link(self, request: Any, call: Call) -> guest.OpenOrderLinkResponse:
        self._record("OpenOrderLink", request, call)
        opened = one_account("acc_1")
        opened.guest = True
        return guest.OpenOrderLinkResponse(account=opened, tokens=TOKENS)

    async def request_order_link(self, request: Any, call: Call) -> guest.RequestOrderLinkResponse:
        self._record("RequestOrderLink", request, call)
        return guest.RequestOrderLinkResponse()
