"""The RPCs of accounts, on an in-process server with real tokens."""

from typing import Any

import pytest
from souk.account.v1 import account_pb2

from account.tests.edges import PASSWORD, Edge, edge
from kit.auth import Principal
from kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    SoukError,
    Unauthenticated,
)
from kit.values import ACCOUNT, ORDER

__all__ = ["edge"]


async def test_get_account_is_for_the_owner_and_admins(edge: Edge) -> None:
    owner, account = await edge.customer()
    stranger, _ = await edge.customer()

    for caller in (owner, await edge.admin()):
        assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account
    with pytest.raises(NotFound) as error:
        await edge.call(stranger, "GetAccount", account_id=account.id)
    assert error.value.reason == "ACCOUNT_NOT_FOUND"


async def test_get_account_of_an_unknown_id_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.call(await edge.admin(), "GetAccount", account_id=ACCOUNT.format(ACCOUNT.new()))


@pytest.mark.parametrize("account_id", ["", "acc_", "7", ORDER.format(ORDER.new())])
async def test_get_account_rejects_a_malformed_id(edge: Edge, account_id: str) -> None:
    caller, _ = await edge.customer()

    with pytest.raises(InvalidArgument) as error:
        await edge.call(caller, "GetAccount", account_id=account_id)
    assert [field.path for field in error.value.fields] == [("id",)]


async def test_batch_get_accounts_omits_accounts_without_access(edge: Edge) -> None:
    owner, own = await edge.customer()
    _, other = await edge.customer()
    ids = [other.id, own.id, ACCOUNT.format(ACCOUNT.new())]

    async def visible(caller: Principal) -> list[str]:
        response = await edge.call(caller, "BatchGetAccounts", account_ids=ids)
        return sorted(account.id for account in response.accounts)

    assert await visible(owner) == [own.id]
    assert await visible(await edge.admin()) == sorted([own.id, other.id])


async def test_batch_get_accounts_takes_up_to_100_account_ids(edge: Edge) -> None:
    caller, _ = await edge.customer()
    ids = [ACCOUNT.format(ACCOUNT.new()) for _ in range(101)]

    assert not (await edge.call(caller, "BatchGetAccounts", account_ids=ids[:100])).accounts
    for account_ids, path in ((ids, ("account_ids",)), ([ids[0], "7"], ("account_ids", 1))):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(caller, "BatchGetAccounts", account_ids=account_ids)
        assert [field.path for field in error.value.fields] == [path]


async def test_accounts_cannot_be_read_without_signing_in(edge: Edge) -> None:
    account_id = (await edge.register()).account.id
    errors: list[type[SoukError]] = []
    for call in (
        edge.call(None, "GetAccount", account_id=account_id),
        edge.call(None, "BatchGetAccounts", account_ids=[account_id]),
    ):
        with pytest.raises(Unauthenticated) as error:
            await call
        errors.append(error.type)

    assert errors == [Unauthenticated] * 2


async def test_update_profile_changes_the_fields_that_are_set(edge: Edge) -> None:
    caller, account = await edge.customer()

    named = (await edge.call(caller, "UpdateProfile", name=" Jane ", phone="+41441234567")).account
    assert (named.name, named.phone) == ("Jane", "+41441234567")
    cleared = (await edge.call(caller, "UpdateProfile", phone="")).account
    assert (cleared.name, cleared.phone, cleared.email) == ("Jane", "", account.email)


async def test_update_profile_names_every_invalid_field(edge: Edge) -> None:
    caller, _ = await edge.customer()

    with pytest.raises(InvalidArgument) as error:
        await edge.call(caller, "UpdateProfile", name="", phone="7")
    assert [field.path for field in error.value.fields] == [("name",), ("phone",)]


async def test_the_address_of_a_deleted_account_can_register_again(edge: Edge) -> None:
    registered = await edge.register()
    caller = await edge.caller(registered.tokens)

    await edge.call(caller, "DeleteAccount", password=PASSWORD)

    assert edge.world.orders.closed == [caller.account_id]
    for method, token in (("VerifyToken", caller.token), ("RefreshTokens", registered.tokens.refresh_token)):
        field = "access_token" if method == "VerifyToken" else "refresh_token"
        with pytest.raises(Unauthenticated):
            await edge.call(None, method, **{field: token})
    assert (await edge.register(email=registered.account.email)).account.id != registered.account.id


async def test_delete_account_requires_the_password(edge: Edge) -> None:
    caller, account = await edge.customer()

    with pytest.raises(InvalidArgument) as error:
        await edge.call(caller, "DeleteAccount", password="wrong-password")
    assert (error.value.reason, error.value.fields[0].path) == ("WRONG_PASSWORD", ("password",))
    assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account


async def test_delete_account_fails_while_orders_are_open(edge: Edge) -> None:
    caller, account = await edge.customer()
    edge.world.orders.error = FailedPrecondition("open", reason="ORDERS_OPEN")

    with pytest.raises(FailedPrecondition) as error:
        await edge.call(caller, "DeleteAccount", password=PASSWORD)
    assert error.value.reason == "ORDERS_OPEN"
    assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account


async def test_erase_account_deletes_an_account_for_an_admin(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.customer()

    await edge.call(admin, "EraseAccount", account_id=account.id, reason="requested by letter")

    for method in ("GetAccount", "EraseAccount"):
        reason = {"reason": "again"} if method == "EraseAccount" else {}
        with pytest.raises(NotFound):
            await edge.call(admin, method, account_id=account.id, **reason)


async def test_erase_account_requires_a_reason(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.customer()

    for reason in ("", "x" * 501):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(admin, "EraseAccount", account_id=account.id, reason=reason)
        assert [field.path for field in error.value.fields] == [("reason",)]


async def test_set_account_role_revokes_tokens_with_the_previous_role(edge: Edge) -> None:
    admin, (customer, account) = await edge.admin(), await edge.customer()

    changed = await edge.call(admin, "SetAccountRole", account_id=account.id, role=account_pb2.ROLE_ADMIN)

    assert changed.account.role == account_pb2.ROLE_ADMIN
    with pytest.raises(Unauthenticated):
        await edge.verify(customer.token)


async def test_set_account_role_rejects_an_unknown_role(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.customer()

    for role in (0, 3):
        with pytest.raises(InvalidArgument):
            await edge.call(admin, "SetAccountRole", account_id=account.id, role=role)


async def test_the_last_admin_cannot_be_removed(edge: Edge) -> None:
    admin = await edge.admin()
    account_id = ACCOUNT.format(admin.account_id)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("SetAccountRole", {"account_id": account_id, "role": account_pb2.ROLE_USER}),
        ("EraseAccount", {"account_id": account_id, "reason": "tired"}),
        ("DeleteAccount", {"password": PASSWORD}),
    ]
    for method, fields in calls:
        with pytest.raises(FailedPrecondition) as error:
            await edge.call(admin, method, **fields)
        assert error.value.reason == "LAST_ADMIN"
    assert not edge.world.orders.closed


@pytest.mark.parametrize("method", ["EraseAccount", "SetAccountRole", "ListAccounts", "ListAuditEvents"])
async def test_admin_rpcs_reject_other_callers(edge: Edge, method: str) -> None:
    callers: list[tuple[Principal | None, type[Exception]]] = [
        (None, Unauthenticated),
        ((await edge.customer())[0], PermissionDenied),
    ]
    for caller, error in callers:
        with pytest.raises(error):
            await edge.call(caller, method)


async def test_a_former_admin_cannot_write(edge: Edge) -> None:
    first, second = await edge.admin(), await edge.admin()
    account_id = ACCOUNT.format(second.account_id)
    await edge.call(first, "SetAccountRole", account_id=account_id, role=account_pb2.ROLE_USER)

    with pytest.raises(Unauthenticated):
        await edge.call(second, "SetAccountRole", account_id=account_id, role=account_pb2.ROLE_ADMIN)


@pytest.mark.parametrize(
    "method", ["ChangePassword", "RequestEmailVerification", "UpdateProfile", "DeleteAccount"]
)
async def test_owner_rpcs_require_a_token_of_a_valid_session(edge: Edge, method: str) -> None:
    caller, _ = await edge.customer()
    await edge.call(caller, "Logout")
    fields = {"new_password": "AnotherPass456!"} if method == "ChangePassword" else {}

    callers: list[Principal | None] = [None, caller]
    for principal in callers:
        with pytest.raises(Unauthenticated):
            await edge.call(principal, method, **fields)
