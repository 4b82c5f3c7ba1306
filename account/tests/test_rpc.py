"""The gRPC edge, in this process and with real tokens: who may, what is answered, what is refused.

Registering, signing in and reading; the other RPCs have files of their own.
"""

from datetime import timedelta

import pytest
from souk.account.v1 import account_pb2

from account.tests.edges import PASSWORD, Edge, edge
from kit.auth import Principal, Role
from kit.errors import (
    AlreadyExists,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    SoukError,
    Unauthenticated,
)
from kit.values import ACCOUNT, ORDER, SESSION, timestamp_from_proto

__all__ = ["edge"]


async def test_register_answers_the_account_signed_in(edge: Edge) -> None:
    answer = await edge.register(name=" John Doe ", email="John@Example.com", phone="+41441234567")

    account, tokens = answer.account, answer.tokens
    assert (account.name, account.email, account.phone) == ("John Doe", "john@example.com", "+41441234567")
    assert (account.role, account.email_verified) == (account_pb2.ROLE_USER, False)
    assert account.id == ACCOUNT.format((await edge.caller(tokens)).account_id)
    assert timestamp_from_proto(tokens.refresh_token_expire_time) == edge.world.clock.now + timedelta(days=14)
    assert (
        edge.world.clock.now
        < timestamp_from_proto(tokens.access_token_expire_time)
        <= edge.world.clock.now + timedelta(hours=1)
    )
    assert len(tokens.refresh_token) >= 32


async def test_register_names_every_faulty_field(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await edge.register(name="", email="john@localhost", password="short", phone="7")
    paths = [fault.path for fault in refusal.value.fields]
    assert paths == [("name",), ("email",), ("phone",), ("password",)]


async def test_register_refuses_a_taken_address_however_it_is_written(edge: Edge) -> None:
    await edge.register(email="john@example.com")

    with pytest.raises(AlreadyExists) as refusal:
        await edge.register(email=" JOHN@example.com")
    assert refusal.value.reason == "EMAIL_TAKEN"


async def test_login_answers_the_account_with_a_session_of_its_own(edge: Edge) -> None:
    registered = await edge.register()

    answer = await edge.login(registered.account.email.upper())

    assert answer.account == registered.account
    assert answer.tokens.refresh_token != registered.tokens.refresh_token
    sessions = [(await edge.caller(tokens)).session_id for tokens in (answer.tokens, registered.tokens)]
    assert sessions[0] != sessions[1]


async def test_login_answers_an_unknown_address_and_a_wrong_password_alike(edge: Edge) -> None:
    email = (await edge.register()).account.email
    answers = []
    for address, password in (("nobody@example.com", PASSWORD), (email, "wrong"), ("", ""), (email, "\0")):
        with pytest.raises(Unauthenticated) as refusal:
            await edge.login(address, password)
        answers.append((refusal.value.reason, str(refusal.value)))

    assert set(answers) == {("BAD_CREDENTIALS", "email or password is wrong")}


async def test_login_tells_when_to_come_back_after_too_many_failures(edge: Edge) -> None:
    email = (await edge.register()).account.email
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await edge.login(email, "wrong")

    with pytest.raises(ResourceExhausted) as refusal:
        await edge.login(email)
    assert (refusal.value.reason, refusal.value.details["retry_after"]) == ("LOGIN_THROTTLED", 900)


async def test_get_account_answers_its_owner_and_an_admin_and_nobody_else(edge: Edge) -> None:
    owner, account = await edge.person()
    stranger, _ = await edge.person()

    for caller in (owner, await edge.admin()):
        assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account
    with pytest.raises(NotFound) as refusal:
        await edge.call(stranger, "GetAccount", account_id=account.id)
    assert refusal.value.reason == "ACCOUNT_NOT_FOUND"


async def test_get_account_of_what_does_not_exist_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.call(await edge.admin(), "GetAccount", account_id=ACCOUNT.format(ACCOUNT.new()))


@pytest.mark.parametrize("account_id", ["", "acc_", "7", ORDER.format(ORDER.new())])
async def test_get_account_refuses_what_is_no_account_id(edge: Edge, account_id: str) -> None:
    caller, _ = await edge.person()

    with pytest.raises(InvalidArgument) as refusal:
        await edge.call(caller, "GetAccount", account_id=account_id)
    assert [fault.path for fault in refusal.value.fields] == [("account_id",)]


async def test_batch_get_accounts_leaves_out_what_the_caller_may_not_see(edge: Edge) -> None:
    owner, mine = await edge.person()
    _, other = await edge.person()
    ids = [other.id, mine.id, ACCOUNT.format(ACCOUNT.new())]

    async def seen(caller: Principal) -> list[str]:
        answer = await edge.call(caller, "BatchGetAccounts", account_ids=ids)
        return sorted(account.id for account in answer.accounts)

    assert await seen(owner) == [mine.id]
    assert await seen(await edge.admin()) == sorted([mine.id, other.id])


async def test_batch_get_accounts_takes_up_to_100_ids_each_of_an_account(edge: Edge) -> None:
    caller, _ = await edge.person()
    ids = [ACCOUNT.format(ACCOUNT.new()) for _ in range(101)]

    assert not (await edge.call(caller, "BatchGetAccounts", account_ids=ids[:100])).accounts
    for given, path in ((ids, ("account_ids",)), ([ids[0], "7"], ("account_ids", 1))):
        with pytest.raises(InvalidArgument) as refusal:
            await edge.call(caller, "BatchGetAccounts", account_ids=given)
        assert [fault.path for fault in refusal.value.fields] == [path]


async def test_verify_token_answers_whose_it_is_and_the_role_of_now(edge: Edge) -> None:
    admin, (person, account) = await edge.admin(), await edge.person()

    assert (await edge.verify(person.token)).account_id == account.id
    assert (await edge.verify(person.token)).role == account_pb2.ROLE_USER
    assert (await edge.verify(admin.token)).role == account_pb2.ROLE_ADMIN


async def test_verify_token_refuses_what_has_ended(edge: Edge) -> None:
    person, account = await edge.person()
    await edge.world.accounts.grant_admin(account.email)

    with pytest.raises(Unauthenticated) as refusal:
        await edge.verify(person.token)
    assert refusal.value.reason == "TOKEN_INVALID"


async def test_verify_token_refuses_what_is_no_token_of_a_session(edge: Edge) -> None:
    registered = await edge.register()
    account_id = ACCOUNT.parse(registered.account.id)
    of_no_session, _ = edge.world.issuer.access_token(account_id, Role.ADMIN, SESSION.new())
    edge.world.clock.advance(days=-1)
    expired, _ = edge.world.issuer.access_token(account_id, Role.ADMIN, SESSION.new())

    reasons = []
    for token in ("", "x", registered.tokens.refresh_token, of_no_session + "x", of_no_session, expired):
        with pytest.raises(Unauthenticated) as refusal:
            await edge.verify(token)
        reasons.append(refusal.value.reason)
    assert reasons == ["TOKEN_INVALID"] * 5 + ["TOKEN_EXPIRED"]


async def test_nobody_reads_accounts_without_signing_in(edge: Edge) -> None:
    account_id = (await edge.register()).account.id
    refused: list[type[SoukError]] = []
    for call in (
        edge.call(None, "GetAccount", account_id=account_id),
        edge.call(None, "BatchGetAccounts", account_ids=[account_id]),
    ):
        with pytest.raises(Unauthenticated) as refusal:
            await call
        refused.append(refusal.type)

    assert refused == [Unauthenticated] * 2
