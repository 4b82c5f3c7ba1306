"""Saved payment methods, which the payment service keeps."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import strawberry
from souk.payment.v1 import saved_method_pb2 as saved_method
from souk.payment.v1 import saved_method_service_pb2 as pb

from gateway.types.saved_method import MethodSetup, SavedMethod
from kit.graphql.conversions import instant
from kit.identity import Identity
from kit.rpc import Peer


class SavedMethods(Peer):
    """Saved payment methods."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["SavedMethodService"], identity)

    async def list_by_account(self, account_ids: Sequence[str]) -> Mapping[str, Sequence[SavedMethod]]:
        """BatchListMethods, by account."""
        request = pb.BatchListMethodsRequest(account_ids=account_ids)
        response = await self._call("BatchListMethods", request, pb.BatchListMethodsResponse)
        methods: dict[str, list[SavedMethod]] = defaultdict(list)
        for message in response.methods:
            methods[message.account_id].append(_saved(message))
        return methods

    async def start_saving(self) -> MethodSetup:
        """StartSavingMethod."""
        request = pb.StartSavingMethodRequest()
        response = await self._call("StartSavingMethod", request, pb.StartSavingMethodResponse)
        return MethodSetup(client_secret=response.client_secret)

    async def set_default(self, method_id: str) -> SavedMethod:
        """SetDefaultMethod."""
        request = pb.SetDefaultMethodRequest(method_id=method_id)
        return _saved((await self._call("SetDefaultMethod", request, pb.SetDefaultMethodResponse)).method)

    async def delete(self, method_id: str) -> None:
        """DeleteMethod."""
        await self._call("DeleteMethod", pb.DeleteMethodRequest(method_id=method_id), pb.DeleteMethodResponse)


def _saved(message: saved_method.SavedMethod) -> SavedMethod:
    return SavedMethod(
        id=strawberry.ID(message.id),
        brand=message.brand,
        last4=message.last4,
        exp_month=message.exp_month,
        exp_year=message.exp_year,
        is_default=message.is_default,
        created_at=instant(message.create_time),
    )
