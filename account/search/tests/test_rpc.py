"""The RPC of the search, on an in-process server with real tokens."""

import pytest

from account.tests.edges import Edge, edge
from kit.errors import InvalidArgument

__all__ = ["edge"]


async def test_list_accounts_pages_through_matching_accounts(edge: Edge) -> None:
    admin = await edge.admin()
    registered = [(await edge.register(name=f"Zoe {number}")).account.id for number in range(3)]

    listed: list[str] = []
    cursor = ""
    while not listed or cursor:
        page = await edge.call(
            admin, "ListAccounts", query="zo", page_size=2, page_token=cursor, count_total=True
        )
        listed += [entry.account.id for entry in page.entries]
        cursor = page.entries[-1].cursor if page.has_next_page else ""
        assert page.total_count == 3
    assert sorted(listed) == sorted(registered)


async def test_list_accounts_rejects_invalid_pages_and_queries(edge: Edge) -> None:
    admin = await edge.admin()
    await edge.register()
    cursor = (await edge.call(admin, "ListAccounts", page_size=1)).entries[0].cursor

    for fields, path in (
        ({"query": "x" * 201}, "query"),
        ({"page_size": 101}, "first"),
        ({"page_token": "x"}, "after"),
        ({"page_token": cursor, "query": "other"}, "after"),
    ):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(admin, "ListAccounts", **fields)
        assert [field.path for field in error.value.fields] == [(path,)]
