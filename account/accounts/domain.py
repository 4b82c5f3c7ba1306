"""An account and its changes. Passwords, sessions and mailed links belong to other aggregates."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kit.auth import Role
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, FieldReader


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """An account was created."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """The name, phone number, role or verification of the email address changed."""

    account: "Account"


@dataclass(frozen=True, slots=True)
class AccountDeleted:
    """An account and its personal data were deleted."""

    account_id: UUID
    delete_time: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in, or a guest, whose name and email may be empty; `phone` is empty when unknown.

    Each change returns its event, or None when nothing changed.
    """

    id: UUID
    name: str
    email: str
    phone: str
    role: Role
    email_verified: bool
    create_time: datetime
    update_time: datetime
    guest: bool = False

    @classmethod
    def register(cls, details: "ContactDetails", now: datetime) -> tuple["Account", AccountRegistered]:
        """A new account with the role USER."""
        account = cls(
            id=ACCOUNT.new(),
            name=details.name,
            email=details.email,
            phone=details.phone,
            role=Role.USER,
            email_verified=False,
            create_time=now,
            update_time=now,
        )
        return account, AccountRegistered(account)

    def set_role(self, role: Role, now: datetime) -> tuple["Account", AccountUpdated | None]:
        """Changes the role."""
        return self._change(replace(self, role=role), now)

    def update_profile(self, profile: "Profile", now: datetime) -> tuple["Account", AccountUpdated | None]:
        """Changes the name and phone number that the profile contains."""
        name = self.name if profile.name is None else profile.name
        phone = self.phone if profile.phone is None else profile.phone
        return self._change(replace(self, name=name, phone=phone), now)

    def verify_email(self, now: datetime) -> tuple["Account", AccountUpdated | None]:
        """Records that the owner reads the mail of the address."""
        return self._change(replace(self, email_verified=True), now)

    def _change(self, changed: "Account", now: datetime) -> tuple["Account", AccountUpdated | None]:
        if changed == self:
            return self, None
        changed = replace(changed, update_time=now)
        return changed, AccountUpdated(changed)


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """The validated name, email address and phone number of a registration or a guest."""

    name: str
    email: str
    phone: str

    @classmethod
    def read(
        cls, reader: FieldReader, *, name: str, email: str, phone: str, path: tuple[str, ...] = ()
    ) -> "ContactDetails":
        """Adds each violation to `reader`, with names within `path`."""
        return cls(
            name=_name(reader, name, *path),
            email=reader.email(email, *path, "email"),
            phone=_phone(reader, phone, *path),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """A validated change of a profile; None leaves a field as it is."""

    name: str | None
    phone: str | None

    @classmethod
    def read(cls, *, name: str | None, phone: str | None) -> "Profile":
        """An empty phone number removes it; raises InvalidArgument."""
        reader = FieldReader()
        profile = cls(
            name=None if name is None else _name(reader, name),
            phone=None if phone is None else _phone(reader, phone),
        )
        reader.raise_if_invalid()
        return profile


def normalize_email(text: str) -> str:
    """The stored form of an address: NFC, lower case, domain in Unicode. Empty for an invalid address, which no account has."""
    reader = FieldReader()
    address = reader.email(text, "email")
    try:
        reader.raise_if_invalid()
    except InvalidArgument:
        return ""
    return address


def _name(reader: FieldReader, text: str, *path: str) -> str:
    return reader.name(text, *path, "name", max_length=100, person=True)


def _phone(reader: FieldReader, text: str, *path: str) -> str:
    return reader.phone(text, *path, "phone") if text else ""
