"""Accounts, what people send to get and change one, and what is kept for the audit. Sessions have a domain of their own.

No token, hash or table is known here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.auth import Principal, Role
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, FieldReader

_PASSWORD_LEAST_BYTES: Final = 8
# bcrypt looks at 72 bytes and would ignore the rest.
_PASSWORD_MOST_BYTES: Final = 72


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """An account was made."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """Name, phone, address or role changed."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class AccountDeleted:
    """An account is gone for good."""

    account_id: UUID
    delete_time: datetime


class Purpose(StrEnum):
    """What a mailed link is for."""

    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - no password
    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"


@dataclass(frozen=True, slots=True)
class LinkRequested:
    """Somebody is to get a link by mail; `sealed_token` can be read by whoever writes the mail alone."""

    purpose: Purpose
    account: "Account"
    sealed_token: bytes
    expire_time: datetime


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
        return self._changed(replace(self, role=role, update_time=now))

    def change(self, profile: "Profile", now: datetime) -> tuple["Account", AccountUpdated | None]:
        """The account with another name or phone; no fact when it has them already."""
        name = self.name if profile.name is None else profile.name
        phone = self.phone if profile.phone is None else profile.phone
        if (name, phone) == (self.name, self.phone):
            return self, None
        return self._changed(replace(self, name=name, phone=phone, update_time=now))

    def prove_email(self, now: datetime) -> tuple["Account", AccountUpdated | None]:
        """The account whose owner reads mail to its address; no fact when that is known already."""
        if self.email_verified:
            return self, None
        return self._changed(replace(self, email_verified=True, update_time=now))

    def _changed(self, account: "Account") -> tuple["Account", AccountUpdated]:
        return account, AccountUpdated(account)


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
        reading = FieldReader()
        registration = cls(
            name=_name(reading, name),
            email=reading.email(email, "email"),
            phone=_phone(reading, phone),
            password=_password(reading, password, common, "password"),
        )
        reading.raise_if_invalid()
        return registration


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody changes of themselves, checked; None: it stays."""

    name: str | None
    phone: str | None

    @classmethod
    def read(cls, *, name: str | None, phone: str | None) -> "Profile":
        """Raises InvalidArgument; an empty phone takes it away."""
        reading = FieldReader()
        profile = cls(
            name=None if name is None else _name(reading, name),
            phone=None if phone is None else _phone(reading, phone),
        )
        reading.raise_if_invalid()
        return profile


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what, from where.

    `actor_id` is None for a command on the console and for whoever was not signed in. The subject is an account unless `subject_kind`,
    the prefix of its id, says otherwise.
    """

    action: str
    actor_id: UUID | None
    subject_id: UUID | None
    address: str
    detail: str = ""
    session_id: UUID | None = None
    subject_kind: str = ACCOUNT.prefix

    @classmethod
    def by(
        cls, caller: Principal, action: str, address: str, *, subject_id: UUID | None = None, detail: str = ""
    ) -> "AuditEvent":
        """What a signed-in account did, to itself unless a subject is named."""
        subject = caller.account_id if subject_id is None else subject_id
        return cls(action, caller.account_id, subject, address, detail, caller.session_id)


@dataclass(frozen=True, slots=True)
class Audited:
    """An event as it is in the log."""

    id: UUID
    time: datetime
    event: AuditEvent


def normal_email(text: str) -> str:
    """The address as accounts keep it (NFC, lower case, domain in Unicode); empty for what is no address, which no account has."""
    reading = FieldReader()
    address = reading.email(text, "email")
    try:
        reading.raise_if_invalid()
    except InvalidArgument:
        return ""
    return address


def new_password(text: str, common: frozenset[str], *path: str) -> bytes:
    """A password as it is hashed, byte for byte; raises InvalidArgument naming `path`."""
    reading = FieldReader()
    password = _password(reading, text, common, *path)
    reading.raise_if_invalid()
    return password


def tried_password(text: str) -> bytes:
    """What somebody sends as the password that they have: no rule, it is right or wrong."""
    return text.encode("utf-8", "surrogatepass")


def _name(reading: FieldReader, text: str) -> str:
    return reading.name(text, "name", max_length=100, person=True)


def _phone(reading: FieldReader, text: str) -> str:
    return reading.phone(text, "phone") if text else ""


def _password(reading: FieldReader, text: str, common: frozenset[str], *path: str) -> bytes:
    # Byte for byte: neither trimmed nor normalised.
    password = tried_password(text)
    least, most = _PASSWORD_LEAST_BYTES, _PASSWORD_MOST_BYTES
    reading.require(len(password) >= least, f"must have at least {least} bytes", *path)
    reading.require(len(password) <= most, f"must have at most {most} bytes", *path)
    reading.require(b"\0" not in password, "must not contain a NUL", *path)
    reading.require(text.lower() not in common, "is one of the commonest passwords", *path)
    return password
