"""The RPCs of mailed links, on an in-process server with real tokens."""

import pytest

from account.links.domain import LinkRequested
from account.tests.edges import PASSWORD, Edge, edge
from kit.errors import InvalidArgument

__all__ = ["edge"]

NEW_PASSWORD = "AnotherPass456!"


def mails(edge: Edge) -> int:
    return sum(isinstance(event, LinkRequested) for event in edge.world.db.events)


async def test_request_password_reset_responds_alike_to_any_address(edge: Edge) -> None:
    account = (await edge.register()).account

    for email in (account.email.upper(), "unknown@example.com", "", "no address"):
        await edge.call(None, "RequestPasswordReset", email=email)

    assert mails(edge) == 1


async def test_reset_password_accepts_a_token_once(edge: Edge) -> None:
    registered = await edge.register()
    await edge.call(None, "RequestPasswordReset", email=registered.account.email)
    token = edge.last_link()

    await edge.call(None, "ResetPassword", token=token, new_password=NEW_PASSWORD)

    assert await edge.is_revoked(registered.tokens.access_token)
    assert (await edge.login(registered.account.email, NEW_PASSWORD)).account.email_verified
    with pytest.raises(InvalidArgument) as error:
        await edge.call(None, "ResetPassword", token=token, new_password=PASSWORD)
    assert (error.value.reason, error.value.fields[0].path) == ("LINK_INVALID", ("token",))


async def test_request_email_verification_mails_a_link_until_the_address_is_verified(edge: Edge) -> None:
    caller, _ = await edge.customer()
    await edge.call(caller, "RequestEmailVerification")

    verified = (await edge.call(None, "VerifyEmail", token=edge.last_link())).account

    assert verified.email_verified
    await edge.call(caller, "RequestEmailVerification")
    assert mails(edge) == 1


async def test_verify_email_rejects_a_token_for_another_purpose(edge: Edge) -> None:
    account = (await edge.register()).account
    await edge.call(None, "RequestPasswordReset", email=account.email)

    for token in (edge.last_link(), "", "x" * 100_000):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(None, "VerifyEmail", token=token)
        assert error.value.reason == "LINK_INVALID"
