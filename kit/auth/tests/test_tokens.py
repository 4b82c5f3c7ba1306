"""A token is honoured only when every part of it is as the account service signs it."""

import base64
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from kit.auth import NotForGuests, Principal, Role, SigningKeys, TokenIssuer, TokenVerifier, bearer_token
from kit.errors import Unauthenticated, Unavailable
from kit.testing import FakeClock
from kit.values import ACCOUNT, SESSION, utc_now

ACCOUNT_ID, SESSION_ID = ACCOUNT.new(), SESSION.new()


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys.generate(tmp_path / "keys.json")


def verifier(keys: SigningKeys) -> TokenVerifier:
    return TokenVerifier(keys.public)


def signed(keys: SigningKeys, header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "souk",
        "aud": "souk",
        "sub": ACCOUNT.format(ACCOUNT_ID),
        "sid": SESSION.format(SESSION_ID),
        "role": "USER",
    }
    claims |= {"typ": "access", "jti": "x", "iat": now, "nbf": now, "exp": now + 60} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(
        claims, keys.signing, algorithm="EdDSA", headers={"kid": keys.signing.key_id} | (header or {})
    )


async def rejected(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(token)
    return caught.value.reason


async def test_a_signed_token_names_its_caller(keys: SigningKeys) -> None:
    token, _ = TokenIssuer(keys).access_token(ACCOUNT_ID, Role.ADMIN, SESSION_ID)
    assert await verifier(keys).verify(token) == Principal(ACCOUNT_ID, Role.ADMIN, SESSION_ID, token)


async def test_a_guests_token_says_so_and_others_do_not(keys: SigningKeys) -> None:
    issuer = TokenIssuer(keys)
    guest, _ = issuer.access_token(ACCOUNT_ID, Role.USER, SESSION_ID, guest=True)
    account, _ = issuer.access_token(ACCOUNT_ID, Role.USER, SESSION_ID)

    assert (await verifier(keys).verify(guest)).guest
    assert not (await verifier(keys).verify(account)).guest
    assert "guest" not in jwt.decode(account, options={"verify_signature": False})
    with pytest.raises(NotForGuests):
        (await verifier(keys).verify(guest)).reject_guest()


async def test_a_guests_token_says_whether_mails_reach_it(keys: SigningKeys) -> None:
    issuer = TokenIssuer(keys)
    unknown, _ = issuer.access_token(ACCOUNT_ID, Role.USER, SESSION_ID, guest=True)
    reachable, _ = issuer.access_token(ACCOUNT_ID, Role.USER, SESSION_ID, guest=True, contact=True)
    account, _ = issuer.access_token(ACCOUNT_ID, Role.USER, SESSION_ID)

    lacking = [(await verifier(keys).verify(token)).lacks_contact for token in (unknown, reachable, account)]
    assert lacking == [True, False, False]


@pytest.mark.parametrize(("minutes", "lasts"), [(3, 3), (60, 15)])
def test_a_token_ends_with_its_session_at_the_latest(keys: SigningKeys, minutes: int, lasts: int) -> None:
    clock = FakeClock()
    end = clock.now + timedelta(minutes=minutes, milliseconds=500)
    token, expires = TokenIssuer(keys, clock=clock).access_token(
        ACCOUNT_ID, Role.USER, SESSION_ID, session_end=end
    )
    assert expires == clock.now + timedelta(minutes=lasts)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] == expires.timestamp()


async def test_a_token_ends_after_its_lifetime(keys: SigningKeys) -> None:
    clock = FakeClock()
    clock.now = utc_now() - timedelta(minutes=16)
    token, expires = TokenIssuer(keys, clock=clock).access_token(ACCOUNT_ID, Role.USER, SESSION_ID)
    assert expires < utc_now()
    assert await rejected(verifier(keys), token) == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["souk", "other"]},
        {"typ": "refresh"},
        {"typ": None},
        {"role": "ROOT"},
    ]
    + [
        {"sub": "acc_1"},
        {"sid": None},
        {"jti": None},
        {"exp": None},
        {"nbf": int(time.time()) + 600},
        {"iat": "x"},
        {"guest": "yes"},
        {"guest": False},
        {"contact": "yes"},
    ],
)
async def test_a_claim_out_of_place_is_refused(keys: SigningKeys, changes: dict[str, Any]) -> None:
    assert await rejected(verifier(keys), signed(keys, **changes)) == "TOKEN_INVALID"


async def test_only_our_algorithm_and_keys_count(keys: SigningKeys, tmp_path: Path) -> None:
    strange = SigningKeys.generate(tmp_path / "strange.json")
    ours = verifier(keys)
    public = keys.public()[0]["x"]
    none = jwt.encode({"sub": "x"}, "", algorithm="none", headers={"kid": keys.signing.key_id})
    confused = jwt.encode(
        {"sub": "x"}, public.ljust(32, "="), algorithm="HS256", headers={"kid": keys.signing.key_id}
    )
    forged = signed(strange, {"kid": keys.signing.key_id})
    embedded = signed(strange, {"jwk": strange.public()[0]})
    for token in (none, confused, forged, embedded, signed(strange)):
        assert await rejected(ours, token) == "TOKEN_INVALID"


async def test_what_is_no_token_is_refused(keys: SigningKeys) -> None:
    good = signed(keys)
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"role": "ADMIN"}
    raised = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    broken = [
        "",
        ".",
        "..",
        "a.b.c",
        good[:-4],
        f"{head}.{raised}.{signature}",
        "x" * 100_000,
        good + "." + good,
        "\u00e9.\u00e9.\u00e9",
    ]
    for token in broken:
        assert await rejected(verifier(keys), token) == "TOKEN_INVALID"


async def test_an_unknown_key_triggers_few_fetches(keys: SigningKeys, tmp_path: Path) -> None:
    requested = 0

    def fetch() -> Any:
        nonlocal requested
        requested += 1
        return keys.public()

    ours = TokenVerifier(fetch)
    await ours.verify(signed(keys))
    strange = SigningKeys.generate(tmp_path / "strange.json")
    for _ in range(20):
        await rejected(ours, signed(strange, jti=str(uuid4())))
    assert requested == 1


async def test_without_any_key_the_verifier_is_unavailable(keys: SigningKeys) -> None:
    def fetch() -> Any:
        raise OSError

    with pytest.raises(Unavailable):
        await TokenVerifier(fetch).verify(signed(keys))


def test_two_that_make_the_keys_at_once_share_them(tmp_path: Path) -> None:
    first = SigningKeys.generate(tmp_path / "keys.json")
    assert SigningKeys.generate(tmp_path / "keys.json").keys == first.keys
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert "d" not in first.public()[0]


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "Bearer a b", "abc"])
def test_a_header_that_is_no_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(header)


def test_no_header_is_no_token() -> None:
    assert bearer_token(None) is None
    assert bearer_token("") is None
    assert bearer_token("bearer abc") == "abc"
