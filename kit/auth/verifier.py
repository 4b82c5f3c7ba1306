"""Verifies access tokens against the account service's public keys."""

import asyncio
import json
import time
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextvars import Context

import jwt
from jwt import PyJWK

from kit.auth.keys import Jwk
from kit.auth.principal import Principal, Role
from kit.auth.revoked_sessions import RevokedSessions
from kit.auth.tokens import ALGORITHM, AUDIENCE, ISSUER, LEEWAY, TYPE
from kit.errors import InvalidArgument, Unauthenticated, Unavailable
from kit.values import ACCOUNT, SESSION

_CLAIMS = ["iss", "aud", "sub", "sid", "role", "typ", "jti", "iat", "nbf", "exp"]
# A real token has some 450 characters; far longer ones are not worth parsing.
_LONGEST = 4096
_CACHED_TOKENS = 10_000
_FETCH_SECONDS = 3.0
# An unknown key id may be a new key; asking more often than this would let strangers make us ask.
_REFETCH_SECONDS = 5.0
# So long keys are taken for those of now; then they are asked for beside the requests, and, where nobody came for a minute, before one: a
# key that was withdrawn must not count until somebody happens to show a new one.
_FRESH_SECONDS = 10.0
_STALE_SECONDS = 60.0

Fetch = Callable[[], Sequence[Jwk]]


def jwks_fetcher(url: str) -> Fetch:
    """Reads a JWKS document."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("JWKS_URL must be an http or https URL")

    def fetch() -> Sequence[Jwk]:
        with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310 (checked above)
            keys: Sequence[Jwk] = json.load(answer)["keys"]
            return keys

    return fetch


class TokenVerifier:
    """A resource that turns tokens into principals.

    Keys are fetched when first needed, again every 10 s while tokens come, and, at most every 5 s, when a token names an unknown one;
    the last good keys serve while the account service is down. Verified tokens are remembered until they expire, or until their key is
    withdrawn. A token whose session is among `revoked_sessions` is refused.
    """

    name = "token-keys"

    def __init__(self, fetch: Fetch) -> None:
        self.revoked_sessions = RevokedSessions()
        self._fetch = fetch
        self._keys: dict[str, PyJWK] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def open(self) -> None:
        """Nothing: keys come when the first token does, so that no service waits for another to start."""

    async def close(self) -> None:
        """Forgets every token."""
        if self._renewing is not None:
            self._renewing.cancel()
        self._verified.clear()

    async def ping(self) -> None:
        """Raises Unavailable while there is no key at all."""
        if not self._keys:
            await self._refresh()
        if not self._keys:
            raise Unavailable("no token keys", reason="TOKEN_KEYS_UNAVAILABLE")

    async def verify(self, token: str) -> Principal:
        """The caller; raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED), or Unavailable while there is no key at all."""
        age = time.monotonic() - self._asked_at
        if age > _FRESH_SECONDS and self._keys:
            await self._renew(age)
        known = self._verified.get(token)
        if known is not None:
            if known[0] > time.time():
                return self._living(known[1])
            del self._verified[token]
        if len(token) > _LONGEST:
            raise _invalid()
        expires, principal = _read(token, await self._key(token))
        self._verified[token] = (expires, principal)
        if len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return self._living(principal)

    def _living(self, principal: Principal) -> Principal:
        if principal.session_id in self.revoked_sessions:
            raise _invalid()
        return principal

    async def _key(self, token: str) -> PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _invalid() from None
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise _invalid()
        if kid not in self._keys:
            await self._refresh()
        if not self._keys:
            raise Unavailable("tokens cannot be verified now", reason="TOKEN_KEYS_UNAVAILABLE")
        key = self._keys.get(kid)
        if key is None:
            raise _invalid()
        return key

    async def _renew(self, age: float) -> None:
        if age > _STALE_SECONDS:
            await self._refresh()
        elif self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._refresh(), context=Context())

    async def _refresh(self) -> None:
        async with self._asking:
            if self._keys and time.monotonic() - self._asked_at < _REFETCH_SECONDS:
                return
            try:
                keys = await asyncio.to_thread(self._fetch)
            except (OSError, ValueError, KeyError) as error:
                if not self._keys:
                    raise Unavailable(
                        f"no token keys: {type(error).__name__}", reason="TOKEN_KEYS_UNAVAILABLE"
                    ) from None
                return
            finally:
                self._asked_at = time.monotonic()
            # Only keys of our algorithm: a token must not choose how it is verified.
            known = {
                key["kid"]: PyJWK(key, algorithm=ALGORITHM) for key in keys if key.get("crv") == "Ed25519"
            }
            if self._keys.keys() - known.keys():
                self._verified.clear()
            self._keys = known


def _read(token: str, key: PyJWK) -> tuple[float, Principal]:
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options={"require": _CLAIMS, "strict_aud": True},
        )
        if claims["typ"] != TYPE:
            raise _invalid()
        principal = Principal(
            account_id=ACCOUNT.parse(claims["sub"]),
            role=Role(claims["role"]),
            session_id=SESSION.parse(claims["sid"]),
            token=token,
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the token has expired", reason="TOKEN_EXPIRED") from None
    except (jwt.PyJWTError, InvalidArgument, ValueError, TypeError, AttributeError):
        raise _invalid() from None
    return float(claims["exp"]), principal


def _invalid() -> Unauthenticated:
    return Unauthenticated("the token is not valid", reason="TOKEN_INVALID")
