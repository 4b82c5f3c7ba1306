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
# Real tokens have about 450 characters; much longer ones are rejected unparsed.
_MAX_TOKEN_LENGTH = 4096
_CACHED_TOKENS = 10_000
_FETCH_SECONDS = 3.0
# An unknown key id may be a new key. Fetching more often would let anyone trigger fetches.
_REFETCH_SECONDS = 5.0
# Keys younger than FRESH are used as they are. Older ones are refreshed in the background; older than STALE, before the request is
# answered, so that a withdrawn key stops working even on an idle replica.
_FRESH_SECONDS = 10.0
_STALE_SECONDS = 60.0

Fetch = Callable[[], Sequence[Jwk]]


def jwks_fetcher(url: str) -> Fetch:
    """Fetches the keys of the JWKS document at a URL."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("JWKS_URL must be an http or https URL")

    def fetch() -> Sequence[Jwk]:
        with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as response:  # noqa: S310 (checked above)
            keys: Sequence[Jwk] = json.load(response)["keys"]
            return keys

    return fetch


class TokenVerifier:
    """A resource that verifies tokens and returns their principals.

    Keys are fetched when first needed, then every 10 s while tokens arrive, and at most every 5 s for an unknown key id. The last valid
    keys are used while the account service is down. Verified tokens are cached until they expire or their key is withdrawn. A token
    whose session is in `revoked_sessions` is rejected.
    """

    name = "token-keys"

    def __init__(self, fetch: Fetch) -> None:
        self.revoked_sessions = RevokedSessions()
        self._fetch = fetch
        self._keys: dict[str, PyJWK] = {}
        self._last_fetch = float("-inf")
        # Not kit.work.SingleFlight: kit.work needs kit.db, and kit.auth is below both.
        self._fetch_lock = asyncio.Lock()
        self._background_refresh: asyncio.Task[None] | None = None
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def open(self) -> None:
        """Does nothing: keys are fetched with the first token, so that no service waits for another to start."""

    async def close(self) -> None:
        """Clears the cache and cancels a refresh in progress."""
        if self._background_refresh is not None:
            self._background_refresh.cancel()
        self._verified.clear()

    async def ping(self) -> None:
        """Raises Unavailable while no key is available."""
        if not self._keys:
            await self._refresh()
        if not self._keys:
            raise Unavailable("signing keys are not available", reason="TOKEN_KEYS_UNAVAILABLE")

    async def verify(self, token: str) -> Principal:
        """The caller; raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED), or Unavailable while no key is available."""
        age = time.monotonic() - self._last_fetch
        if age > _FRESH_SECONDS and self._keys:
            await self._refresh_if_old(age)
        cached = self._verified.get(token)
        if cached is not None:
            if cached[0] > time.time():
                return self._reject_revoked(cached[1])
            del self._verified[token]
        if len(token) > _MAX_TOKEN_LENGTH:
            raise _invalid()
        expires, principal = _decode(token, await self._key(token))
        self._verified[token] = (expires, principal)
        if len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return self._reject_revoked(principal)

    def _reject_revoked(self, principal: Principal) -> Principal:
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
            raise Unavailable("signing keys are not available", reason="TOKEN_KEYS_UNAVAILABLE")
        key = self._keys.get(kid)
        if key is None:
            raise _invalid()
        return key

    async def _refresh_if_old(self, age: float) -> None:
        if age > _STALE_SECONDS:
            await self._refresh()
        elif self._background_refresh is None or self._background_refresh.done():
            self._background_refresh = asyncio.create_task(self._refresh(), context=Context())

    async def _refresh(self) -> None:
        async with self._fetch_lock:
            if self._keys and time.monotonic() - self._last_fetch < _REFETCH_SECONDS:
                return
            try:
                keys = await asyncio.to_thread(self._fetch)
            except (OSError, ValueError, KeyError) as error:
                if not self._keys:
                    raise Unavailable(
                        f"signing keys are not available: {type(error).__name__}",
                        reason="TOKEN_KEYS_UNAVAILABLE",
                    ) from None
                return
            finally:
                self._last_fetch = time.monotonic()
            # Only keys of our algorithm: a token must not choose how it is verified (algorithm confusion).
            current = {
                key["kid"]: PyJWK(key, algorithm=ALGORITHM) for key in keys if key.get("crv") == "Ed25519"
            }
            if self._keys.keys() - current.keys():
                self._verified.clear()
            self._keys = current


def _decode(token: str, key: PyJWK) -> tuple[float, Principal]:
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
        flags = [claims.get(name, True) for name in ("guest", "contact")]
        if claims["typ"] != TYPE or flags != [True, True]:
            raise _invalid()
        principal = Principal(
            account_id=ACCOUNT.parse(claims["sub"]),
            role=Role(claims["role"]),
            session_id=SESSION.parse(claims["sid"]),
            token=token,
            guest="guest" in claims,
            contact="contact" in claims,
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the token has expired", reason="TOKEN_EXPIRED") from None
    except (jwt.PyJWTError, InvalidArgument, ValueError, TypeError, AttributeError):
        raise _invalid() from None
    return float(claims["exp"]), principal


def _invalid() -> Unauthenticated:
    return Unauthenticated("the token is not valid", reason="TOKEN_INVALID")
