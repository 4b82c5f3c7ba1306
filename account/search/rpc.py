"""The RPC of the search."""

from souk.account.v1 import account_service_pb2 as pb

from account.accounts.messages import account_to_proto
from account.search.use_cases import AccountSearch
from kit.rpc import Call
from kit.values import FieldReader, encode_position, requested_page


class SearchRpc:
    """Serves the search."""

    def __init__(self, search: AccountSearch) -> None:
        self._search = search

    async def list_accounts(self, request: pb.ListAccountsRequest, call: Call) -> pb.ListAccountsResponse:
        """For an ADMIN."""
        call.require_admin()
        query = _query_from_proto(request)
        scope = f"accounts {query}"
        after, size = requested_page(request, scope)
        page = await self._search.list_accounts(query, after, size, count=request.count_total)
        entries = [
            pb.ListAccountsResponse.Entry(
                account=account_to_proto(account),
                cursor=encode_position(scope, account.create_time, account.id),
            )
            for account in page.items
        ]
        return pb.ListAccountsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def _query_from_proto(request: pb.ListAccountsRequest) -> str:
    """Raises InvalidArgument."""
    reader = FieldReader()
    query = reader.text(request.query, "query", max_length=200)
    reader.raise_if_invalid()
    return query
