"""Accounts, sessions and what may be said of them. No password, token or table is known here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from kit.auth import Role
from kit.values import ACCOUNT, SESSION, Input

_PASSWORD_LEAST_BYTES = 8
# bcrypt looks at 72 bytes and would ignore the rest.
_PASSWORD_MOST_BYTES = 72


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """An account was made."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """Name, phone, address or role changed."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in; `phone` is empty when it was not given."""

    id: UUID
    name: str
    email: str
    phone: str
    role: Role
    email_verified: bool
    create_time: datetime
    update_time: datetime

    @classmethod
    def register(cls, registration: "Registration", now: datetime) -> tuple["Account", AccountRegistered]:
        """A fresh account with role USER."""
        account = cls(
            id=ACCOUNT.new(),
            name=registration.name,
            email=registration.email,
            phone=registration.phone,
            role=Role.USER,
            email_verified=False,
            create_time=now,
            update_time=now,
        )
        return account, AccountRegistered(account)

    def grant(self, role: Role, now: datetime) -> tuple["Account", AccountUpdated | None]:
        """The account in another role; no fact when it has that role already."""
        if self.role is role:
            return self, None
        changed = replace(self, role=role, update_time=now)
        return changed, AccountUpdated(changed)


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody sends to get an account, checked."""

    name: str
    email: str
    phone: str
    password: bytes

    @classmethod
    def read(
        cls, *, name: str, email: str, phone: str, password: str, common: frozenset[str]
    ) -> "Registration":
        """Raises InvalidArgument with every fault at once; `common` are the passwords that everybody tries first."""
        reading = Input()
        registration = cls(
            name=reading.text(name, "name", least=1, most=100),
            email=reading.email(email, "email"),
            phone=reading.phone(phone, "phone") if phone else "",
            # Byte for byte: neither trimmed nor normalised.
            password=password.encode("utf-8", "surrogatepass"),
        )
        size = len(registration.password)
        reading.require(
            size >= _PASSWORD_LEAST_BYTES, f"must have at least {_PASSWORD_LEAST_BYTES} bytes", "password"
        )
        reading.require(
            size <= _PASSWORD_MOST_BYTES, f"must have at most {_PASSWORD_MOST_BYTES} bytes", "password"
        )
        reading.require(b"\0" not in registration.password, "must not contain a NUL", "password")
        reading.require(password.lower() not in common, "is one of the commonest passwords", "password")
        reading.done()
        return registration


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `expire_time`: when it ends whatever happens; `refresh_expire_time`: when its token ends unless used."""

    id: UUID
    account_id: UUID
    create_time: datetime
    expire_time: datetime
    refresh_expire_time: datetime

    @classmethod
    def begin(cls, account_id: UUID, now: datetime, *, idle: timedelta, absolute: timedelta) -> "Session":
        """A fresh session that lasts `absolute`, and `idle` unless it is refreshed."""
        return cls(SESSION.new(), account_id, now, now + absolute, min(now + idle, now + absolute))


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to whom, from where. `actor_id` is None for a command on the console."""

    action: str
    actor_id: UUID | None
    subject_id: UUID | None
    address: str
    detail: str = ""
