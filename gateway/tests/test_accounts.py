"""Every operation on accounts: what is sent to the service, and what is shown of its answer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.tests.world import USER, World, opened
from kit.values import ACCOUNT

OWN = ACCOUNT.format(USER.account_id)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


@pytest.mark.parametrize(
    ("document", "shown", "rpc", "sent"),
    [
        (
            'mutation { refreshToken(refreshToken: "r1") { accessToken refreshToken } }',
            {"refreshToken": {"accessToken": "a", "refreshToken": "r"}},
            "RefreshTokens",
            {"refresh_token": "r1"},
        ),
        (
            'mutation { register(input: {name: "J", email: "a@b.test", password: "p"}) { accessToken deviceToken } }',
            {"register": {"accessToken": "a", "deviceToken": "d"}},
            "Register",
            {"name": "J", "email": "a@b.test", "password": "p", "phone": ""},
        ),
        (
            'mutation { refreshToken(refreshToken: "r1") { deviceToken } }',
            {"refreshToken": {"deviceToken": None}},
            "RefreshTokens",
            {"refresh_token": "r1"},
        ),
        ("mutation { logout }", {"logout": True}, "Logout", {"refresh_token": ""}),
        (
            'mutation { logout(refreshToken: "r1") }',
            {"logout": True},
            "Logout",
            {"refresh_token": "r1"},
        ),
        (
            'mutation { changePassword(currentPassword: "old", newPassword: "new") { accessToken } }',
            {"changePassword": {"accessToken": "a"}},
            "ChangePassword",
            {"current_password": "old", "new_password": "new"},
        ),
        (
            'mutation { requestPasswordReset(email: "a@b.test") }',
            {"requestPasswordReset": True},
            "RequestPasswordReset",
            {"email": "a@b.test"},
        ),
        (
            'mutation { resetPassword(token: "t", newPassword: "new") }',
            {"resetPassword": True},
            "ResetPassword",
            {"token": "t", "new_password": "new"},
        ),
        (
            "mutation { requestEmailVerification }",
            {"requestEmailVerification": True},
            "RequestEmailVerification",
            {},
        ),
        (
            'mutation { verifyEmail(token: "t") { emailVerified } }',
            {"verifyEmail": {"emailVerified": True}},
            "VerifyEmail",
            {"token": "t"},
        ),
        (
            'mutation { deleteAccount(password: "secret") }',
            {"deleteAccount": True},
            "DeleteAccount",
            {"password": "secret"},
        ),
        (
            'mutation { eraseAccount(accountId: "acc_2", reason: "asked for") }',
            {"eraseAccount": True},
            "EraseAccount",
            {"account_id": "acc_2", "reason": "asked for"},
        ),
        (
            'mutation { setAccountRole(accountId: "acc_2", role: ADMIN) { id role } }',
            {"setAccountRole": {"id": "acc_2", "role": "ADMIN"}},
            "SetAccountRole",
            {"account_id": "acc_2", "role": 2},
        ),
        (
            '{ accounts(query: "john", first: 2, after: "c") { nodes { name } totalCount pageInfo { hasNextPage } } }',
            {
                "accounts": {
                    "nodes": [{"name": "John Doe"}] * 2,
                    "totalCount": 1000,
                    "pageInfo": {"hasNextPage": True},
                }
            },
            "ListAccounts",
            {"query": "john", "page_size": 2, "page_token": "c", "count_total": True},
        ),
        (
            '{ auditEvents(accountId: "acc_2", subjectId: "prod_1", first: 1) { nodes { action actorId address } } }',
            {
                "auditEvents": {
                    "nodes": [{"action": "account.login", "actorId": None, "address": "192.0.2.1"}]
                }
            },
            "ListAuditEvents",
            {"account_id": "acc_2", "subject_id": "prod_1", "page_size": 1, "count_total": False},
        ),
    ],
)
async def test_an_operation_passes_its_input_and_returns_the_response(
    world: World, document: str, shown: Any, rpc: str, sent: dict[str, Any]
) -> None:
    assert await world.ask(document) == {"data": shown}
    request, _ = world.recorder.last(rpc)
    assert {name: getattr(request, name) for name in sent} == sent


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", {}),
        ('name: "Jo"', {"name": "Jo"}),
        ("phone: null", {"phone": ""}),
        ('name: "Jo", phone: "+41441234567"', {"name": "Jo", "phone": "+41441234567"}),
        ("name: null", {"name": ""}),
    ],
)
async def test_a_profile_keeps_omitted_fields_and_clears_null(
    world: World, given: str, sent: dict[str, str]
) -> None:
    answer = await world.ask(f"mutation {{ updateProfile(input: {{{given}}}) {{ id }} }}")
    assert answer["data"]["updateProfile"]["id"] == OWN
    request, _ = world.recorder.last("UpdateProfile")
    assert {field.name: value for field, value in request.ListFields()} == sent


async def test_a_login_forwards_the_device_token(world: World) -> None:
    await world.ask(
        'mutation { login(input: {email: "a@b.test", password: "p", deviceToken: "d"}) { deviceToken } }'
    )
    request, _ = world.recorder.last("Login")
    assert (request.email, request.password, request.device_token) == ("a@b.test", "p", "d")
