"""The caller that a verified token identifies."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from kit.errors import PermissionDenied, Unauthenticated

_SCHEME = "bearer "


class Role(StrEnum):
    """The role of an account."""

    USER = "USER"
    ADMIN = "ADMIN"


class NotForGuests(PermissionDenied):
    """A guest has no password, so the operation needs an account: register first."""

    reason = "NOT_FOR_GUESTS"
    default_message = "not for guests: register first"


@dataclass(frozen=True, slots=True)
class Principal:
    """The calling account, with the role and session of its token. A `guest` is an account that cannot sign in (ADR 0043),
    `contact` says that mails can reach it.

    The token holds the state as of its signing; only the account service knows the current state.
    """

    account_id: UUID
    role: Role
    session_id: UUID
    token: str = field(repr=False, default="")
    guest: bool = False
    contact: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the token has the ADMIN role."""
        return self.role is Role.ADMIN

    @property
    def lacks_contact(self) -> bool:
        """Whether this is a guest that mails cannot reach, or could not when the token was signed."""
        return self.guest and not self.contact

    def can_access(self, account_id: UUID) -> bool:
        """Whether this is the caller's own account or the caller is an ADMIN."""
        return self.is_admin or self.account_id == account_id

    def require_access_to(self, *account_ids: UUID) -> None:
        """Raises PermissionDenied unless the caller can access all of them."""
        if not all(map(self.can_access, account_ids)):
            raise PermissionDenied("accountId: not your account", reason="NOT_YOUR_ACCOUNT")

    def reject_guest(self) -> None:
        """Raises NotForGuests for a guest."""
        if self.guest:
            raise NotForGuests()


def bearer_token(header: str | None) -> str | None:
    """The token of an Authorization header; None without a header, Unauthenticated when it is anything but `Bearer <token>`."""
    if not header:
        return None
    token = header[len(_SCHEME) :].strip()
    if header[: len(_SCHEME)].lower() != _SCHEME or not token or " " in token:
        raise Unauthenticated(
            "the Authorization header must be of the form: Bearer <token>", reason="TOKEN_INVALID"
        )
    return token
