"""The tokens of a session: a signed access token and an opaque refresh token."""

from datetime import datetime, timedelta
from uuid import UUID

from account.accounts.domain import Account
from account.sessions.domain import AuthResult, Lifetimes, RefreshToken, Session
from kit.auth import TokenIssuer


class SessionTokens:
    """Issues tokens within the lifetimes of sessions."""

    def __init__(self, issuer: TokenIssuer, lifetimes: Lifetimes) -> None:
        self._issuer = issuer
        self._lifetimes = lifetimes

    @property
    def access_lifetime(self) -> timedelta:
        """Maximum lifetime of an access token."""
        return self._issuer.lifetime

    def start_session(self, account_id: UUID, now: datetime) -> Session:
        """A new session."""
        return Session.start(account_id, now, self._lifetimes)

    def successor_expiry(self, refresh: RefreshToken, now: datetime) -> datetime:
        """When an unused successor of a refresh token expires."""
        return refresh.successor_expiry(now, self._lifetimes.idle)

    def issue(
        self,
        account: Account,
        session_id: UUID,
        session_end: datetime,
        refresh_token: str,
        refresh_expire_time: datetime,
    ) -> AuthResult:
        """Adds an access token, which expires with the session at the latest."""
        access_token, expire_time = self._issuer.access_token(
            account.id,
            account.role,
            session_id,
            guest=account.guest,
            contact=account.guest and bool(account.email),
            session_end=session_end,
        )
        return AuthResult(account, access_token, expire_time, refresh_token, refresh_expire_time)
