"""Rules of passwords, and limits on guessing them."""

from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from account.accounts.domain import Account
from account.attempts.domain import AttemptLimit
from kit.values import FieldReader, client_network

_MIN_PASSWORD_BYTES: Final = 8
# bcrypt ignores everything after 72 bytes.
_MAX_PASSWORD_BYTES: Final = 72
# OWASP ASVS 5.0, 6.2.4: at least the 3,000 most common ones.
COMMON_PASSWORDS: Final = frozenset(FREQUENCY_LISTS["passwords"][:3000])


class Credentials(NamedTuple):
    """An account and the hash of its password."""

    account: Account
    password_hash: str


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """Maximum wrong passwords within 15 minutes: for one account from one network, and from one network."""

    per_account: int
    per_network: int

    def of_login(self, email: str, address: str) -> list[AttemptLimit]:
        """The limits of a login from an unknown device, the narrowest first."""
        network = client_network(address)
        return [
            AttemptLimit("account", f"{email}\0{network}", self.per_account),
            AttemptLimit("network", network, self.per_network),
        ]

    def of_device(self, device: str) -> list[AttemptLimit]:
        """The limit of a login from a known device."""
        return [AttemptLimit("device", device, self.per_account)]

    def of_session(self, session_id: UUID) -> list[AttemptLimit]:
        """The limit of confirming the password in a session."""
        return [AttemptLimit("session", str(session_id), self.per_account)]


def new_password(text: str, *path: str) -> bytes:
    """A valid new password; raises InvalidArgument naming `path`."""
    reader = FieldReader()
    password = read_password(reader, text, *path)
    reader.raise_if_invalid()
    return password


def read_password(reader: FieldReader, text: str, *path: str) -> bytes:
    """A new password, exactly as it was sent: neither trimmed nor normalized. Adds each violation to `reader`."""
    password = password_attempt_bytes(text)
    min_bytes, max_bytes = _MIN_PASSWORD_BYTES, _MAX_PASSWORD_BYTES
    reader.require(len(password) >= min_bytes, f"must have at least {min_bytes} bytes", *path)
    reader.require(len(password) <= max_bytes, f"must have at most {max_bytes} bytes", *path)
    reader.require(b"\0" not in password, "must not contain a NUL", *path)
    reader.require(text.lower() not in COMMON_PASSWORDS, "is one of the most common passwords", *path)
    return password


def password_attempt_bytes(text: str) -> bytes:
    """A password to compare. It may break the rules of new passwords."""
    return text.encode("utf-8", "surrogatepass")
