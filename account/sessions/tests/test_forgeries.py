"""Every RPC that takes a token rejects forged ones."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from account.tests.edges import Edge, edge
from kit.auth import Principal, Role, SigningKeys, TokenVerifier
from kit.auth.keys import new_key
from kit.errors import SoukError, Unauthenticated
from kit.values import ACCOUNT, SESSION

__all__ = ["edge"]

Forge = Callable[[Edge, Principal], str]


def signed(edge: Edge, caller: Principal, key: Any = None, *, alg: str = "EdDSA", **changes: Any) -> str:
    ours, now = edge.world.issuer._keys.signing, int(time.time())
    claims: dict[str, Any] = {
        "iss": "souk",
        "aud": "souk",
        "sub": ACCOUNT.format(caller.account_id),
        "sid": SESSION.format(caller.session_id),
        "role": "ADMIN",
        "typ": "access",
        "jti": "x",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, ours if key is None else key, algorithm=alg, headers={"kid": ours.key_id})


def public_text(edge: Edge) -> str:
    """A public key, used as a shared secret."""
    keys: Any = edge.world.issuer._keys
    return str(keys.public()[0]["x"]).ljust(64, "=")


def with_admin_role(edge: Edge, caller: Principal) -> str:
    """The caller's token with its role replaced."""
    head, body, signature = caller.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"role": "ADMIN"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


FORGERIES: dict[str, Forge] = {
    "alg none": lambda edge, caller: signed(edge, caller, "", alg="none"),
    "wrong alg": lambda edge, caller: signed(edge, caller, public_text(edge), alg="HS256"),
    "wrong key": lambda edge, caller: signed(edge, caller, SigningKeys((new_key(),)).signing),
    "wrong aud": lambda edge, caller: signed(edge, caller, aud="other"),
    "many auds": lambda edge, caller: signed(edge, caller, aud=["souk", "other"]),
    "wrong iss": lambda edge, caller: signed(edge, caller, iss="other"),
    "refresh as access": lambda edge, caller: signed(edge, caller, typ="refresh"),
    "no type": lambda edge, caller: signed(edge, caller, typ=None),
    "expired": lambda edge, caller: signed(edge, caller, exp=int(time.time()) - 60),
    "never expires": lambda edge, caller: signed(edge, caller, exp=None),
    "not yet valid": lambda edge, caller: signed(edge, caller, nbf=int(time.time()) + 600),
    "no session": lambda edge, caller: signed(edge, caller, sid=None),
    "subject of another kind": lambda edge, caller: signed(edge, caller, sub=SESSION.format(SESSION.new())),
    "unknown role": lambda edge, caller: signed(edge, caller, role="ROOT"),
    "replaced role": with_admin_role,
    "100 KB": lambda edge, caller: signed(edge, caller, jti="x" * 100_000),
    "100 KB without structure": lambda edge, caller: "x" * 100_000,
    "deeply nested": lambda edge, caller: base64.urlsafe_b64encode(b"[" * 2000).decode() + ".e30.x",
    "twice": lambda edge, caller: f"{caller.token}.{caller.token}",
    "without signature": lambda edge, caller: caller.token.rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_token_is_rejected_by_every_rpc(edge: Edge, forgery: str) -> None:
    caller, account = await edge.customer()
    token = FORGERIES[forgery](edge, caller)

    for call in (
        edge.verify(token),
        edge.call(None, "RefreshTokens", refresh_token=token),
        edge.call(replace(caller, token=token), "ListAccounts"),
        edge.call(replace(caller, token=token), "GetAccount", account_id=account.id),
    ):
        # gRPC rejects metadata that is too long.
        with pytest.raises(SoukError if len(token) > 8_000 else Unauthenticated):
            await call


async def test_a_refresh_token_is_rejected_as_an_access_token(edge: Edge) -> None:
    registered = await edge.register()
    caller = replace(await edge.caller(registered.tokens), token=registered.tokens.refresh_token)
    with pytest.raises(Unauthenticated):
        await edge.call(caller, "GetAccount", account_id=registered.account.id)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.integers(0, 600), inserted=st.text(max_size=8), removed=st.integers(0, 8))
async def test_a_modified_token_is_rejected(index: int, inserted: str, removed: int) -> None:
    verifier, token = _verifier_and_token()
    changed = token[:index] + inserted + token[index + removed :]
    try:
        principal = await verifier.verify(changed)
    except Unauthenticated:
        return
    # The unused last bits of a base64 character can change without changing the signature.
    assert (principal.role, changed[: token.rindex(".")]) == (Role.USER, token[: token.rindex(".")])


_KEYS = SigningKeys((new_key(),))


def _verifier_and_token() -> tuple[TokenVerifier, str]:
    claims = {
        "iss": "souk",
        "aud": "souk",
        "sub": ACCOUNT.format(ACCOUNT.new()),
        "sid": SESSION.format(SESSION.new()),
    }
    times = {"iat": int(time.time()), "nbf": int(time.time()), "exp": int(time.time()) + 600}
    key = _KEYS.signing
    payload = {**claims, **times, "role": "USER", "typ": "access", "jti": "x"}
    return TokenVerifier(_KEYS.public), jwt.encode(
        payload, key, algorithm="EdDSA", headers={"kid": key.key_id}
    )
