"""A fake of the payment service's saved methods, as its contract says."""

from typing import Any

from souk.payment.v1 import saved_method_pb2
from souk.payment.v1 import saved_method_service_pb2 as pb

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer


class SavedMethodRpc(UnimplementedServicer):
    service = pb.DESCRIPTOR.services_by_name["SavedMethodService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def start_saving_method(self, request: Any, call: Call) -> pb.StartSavingMethodResponse:
        self._record("StartSavingMethod", request, call)
        return pb.StartSavingMethodResponse(client_secret="seti_1_secret_2")

    async def batch_list_methods(self, request: Any, call: Call) -> pb.BatchListMethodsResponse:
        self._record("BatchListMethods", request, call)
        methods = [_one(f"pme_{account_id}", account_id) for account_id in request.account_ids]
        return pb.BatchListMethodsResponse(methods=methods)

    async def set_default_method(self, request: Any, call: Call) -> pb.SetDefaultMethodResponse:
        self._record("SetDefaultMethod", request, call)
        return pb.SetDefaultMethodResponse(method=_one(request.method_id, "acc_1"))

    async def delete_method(self, request: Any, call: Call) -> pb.DeleteMethodResponse:
        self._record("DeleteMethod", request, call)
        return pb.DeleteMethodResponse()


def _one(method_id: str, account_id: str) -> saved_method_pb2.SavedMethod:
    return saved_method_pb2.SavedMethod(
        id=method_id,
        account_id=account_id,
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        is_default=True,
        create_time=NOW,
    )
