"""The gRPC method that closes an account's orders."""

from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Call
from kit.values import ACCOUNT
from order.closed_accounts.use_cases import ClosedAccounts


class ClosedAccountsRpc:
    """CloseAccountOrders."""

    def __init__(self, closed_accounts: ClosedAccounts) -> None:
        self._closed_accounts = closed_accounts

    async def close_account_orders(
        self, request: pb.CloseAccountOrdersRequest, call: Call
    ) -> pb.CloseAccountOrdersResponse:
        """For the account itself or an ADMIN."""
        account_id = ACCOUNT.parse(request.account_id, "accountId")
        await self._closed_accounts.close_account(call.require_principal(), account_id)
        return pb.CloseAccountOrdersResponse()
