"""The account service's tables. A test compares them with the migrated schema."""

from piccolo.columns import UUID, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table


class TSVector(Text):
    """Search words."""


class AccountRow(Table, tablename="accounts"):
    """An account; of a deleted one only the id remains."""

    id = UUID(primary_key=True)
    name = Text()
    email = Text(null=True, default=None)
    phone = Text()
    role = Text()
    email_verified = Boolean()
    password_hash = Text(secret=True)
    create_time = Timestamptz()
    update_time = Timestamptz()
    delete_time = Timestamptz(null=True, default=None)
    words = TSVector(null=True, default=None, secret=True)
    guest = Boolean()
    contact_email = Text()
    merged_into = UUID(null=True, default=None)
    guest_due_time = Timestamptz(null=True, default=None)


class SessionRow(Table, tablename="sessions"):
    """One sign-in."""

    id = UUID(primary_key=True)
    account_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()
    end_time = Timestamptz(null=True, default=None)


class RefreshTokenRow(Table, tablename="refresh_tokens"):
    """A refresh token, identified by its hash."""

    hash = Bytea(primary_key=True)
    session_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()
    use_time = Timestamptz(null=True, default=None)
    parent = Bytea(null=True, default=None)
    seed = Text(null=True, default=None, secret=True)


class MailedLinkRow(Table, tablename="mailed_links"):
    """An unused link, identified by the hash of its token."""

    hash = Bytea(primary_key=True)
    purpose = Text()
    account_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()


class LoginAttemptsRow(Table, tablename="login_attempts"):
    """Attempts in one bucket."""

    subject = Text(primary_key=True)
    attempts = Integer()
    window_start = Timestamptz()


class GuessRow(Table, tablename="guesses"):
    """A password that is being checked, in one of its buckets."""

    subject = Text(primary_key=True)
    id = Text()
    expire_time = Timestamptz()


class DeviceRow(Table, tablename="devices"):
    """A device that signed in before, identified by the hash of its token."""

    hash = Bytea(primary_key=True)
    account_id = UUID()
    create_time = Timestamptz()
    use_time = Timestamptz()


class AddressRow(Table, tablename="addresses"):
    """A postal address that an account keeps."""

    id = UUID(primary_key=True)
    account_id = UUID()
    name = Text()
    line1 = Text()
    line2 = Text()
    city = Text()
    region = Text()
    postal_code = Text()
    country_code = Text()
    default_shipping = Boolean()
    default_billing = Boolean()
    create_time = Timestamptz()
    update_time = Timestamptz()


class AuditEventRow(Table, tablename="audit_events"):
    """An entry of the audit log."""

    id = UUID(primary_key=True)
    time = Timestamptz()
    action = Text()
    actor_id = UUID(null=True, default=None)
    subject_id = UUID(null=True, default=None)
    address = Text()
    detail = Text()
    session_id = UUID(null=True, default=None)
    subject_kind = Text()


TABLES = (
    AccountRow,
    SessionRow,
    RefreshTokenRow,
    MailedLinkRow,
    LoginAttemptsRow,
    GuessRow,
    DeviceRow,
    AddressRow,
    AuditEventRow,
)
