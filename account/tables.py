"""The account service's tables, as Piccolo declares them; a test compares them with the migrated schema. No behaviour."""

from piccolo.columns import UUID, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table


class TSVector(Text):
    """Words, for search."""


class AccountRow(Table, tablename="accounts"):
    """An account; a deleted one keeps its id only."""

    id = UUID(primary_key=True)
    name = Text()
    email = Text()
    phone = Text()
    role = Text()
    email_verified = Boolean()
    password_hash = Text(secret=True)
    create_time = Timestamptz()
    update_time = Timestamptz()
    delete_time = Timestamptz(null=True, default=None)
    words = TSVector(null=True, default=None, secret=True)


class SessionRow(Table, tablename="sessions"):
    """One sign-in."""

    id = UUID(primary_key=True)
    account_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()
    end_time = Timestamptz(null=True, default=None)


class RefreshTokenRow(Table, tablename="refresh_tokens"):
    """A refresh token, by its hash."""

    hash = Bytea(primary_key=True)
    session_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()
    use_time = Timestamptz(null=True, default=None)
    parent = Bytea(null=True, default=None)
    seed = Text(null=True, default=None, secret=True)


class MailedLinkRow(Table, tablename="mailed_links"):
    """A link that was mailed and not used, by its token's hash."""

    hash = Bytea(primary_key=True)
    purpose = Text()
    account_id = UUID()
    create_time = Timestamptz()
    expire_time = Timestamptz()


class LoginAttemptsRow(Table, tablename="login_attempts"):
    """Failed logins of one subject in its window."""

    subject = Text(primary_key=True)
    attempts = Integer()
    window_start = Timestamptz()


class GuessRow(Table, tablename="guesses"):
    """A password that is being compared, in one of its buckets."""

    subject = Text(primary_key=True)
    id = Text()
    expire_time = Timestamptz()


class DeviceRow(Table, tablename="devices"):
    """A device that signed in before, by its token's hash."""

    hash = Bytea(primary_key=True)
    account_id = UUID()
    create_time = Timestamptz()
    use_time = Timestamptz()


class AuditEventRow(Table, tablename="audit_events"):
    """Who did what to whom."""

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
    AuditEventRow,
)
