"""The gRPC methods of saved payment methods."""

from souk.payment.v1 import saved_method_service_pb2 as pb

from kit.rpc import Call
from kit.values import ACCOUNT, PAYMENT_METHOD
from payment.methods.messages import method_to_proto
from payment.methods.use_cases import Methods


class SavedMethodRpc:
    """souk.payment.v1.SavedMethodService."""

    service = pb.DESCRIPTOR.services_by_name["SavedMethodService"]

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    async def start_saving_method(
        self, request: pb.StartSavingMethodRequest, call: Call
    ) -> pb.StartSavingMethodResponse:
        """For the caller's account."""
        secret = await self._methods.start_saving(call.require_principal())
        return pb.StartSavingMethodResponse(client_secret=secret)

    async def batch_list_methods(
        self, request: pb.BatchListMethodsRequest, call: Call
    ) -> pb.BatchListMethodsResponse:
        """For the owner or an ADMIN."""
        caller, account_ids = call.require_principal(), ACCOUNT.parse_all(request.account_ids, "account_ids")
        methods = await self._methods.list_saved(caller, account_ids)
        return pb.BatchListMethodsResponse(methods=map(method_to_proto, methods))

    async def set_default_method(
        self, request: pb.SetDefaultMethodRequest, call: Call
    ) -> pb.SetDefaultMethodResponse:
        """For the owner."""
        caller, method_id = call.require_principal(), PAYMENT_METHOD.parse(request.method_id, "id")
        return pb.SetDefaultMethodResponse(
            method=method_to_proto(await self._methods.set_default(caller, method_id))
        )

    async def delete_method(self, request: pb.DeleteMethodRequest, call: Call) -> pb.DeleteMethodResponse:
        """For the owner."""
        caller, method_id = call.require_principal(), PAYMENT_METHOD.parse(request.method_id, "id")
        await self._methods.delete(caller, method_id)
        return pb.DeleteMethodResponse()
