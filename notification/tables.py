"""The notification service's tables, declared for Piccolo; a test compares them with the migrated schema. No behaviour."""

from piccolo.columns import JSONB, UUID, Boolean, Bytea, Integer, SmallInt, Text, Timestamptz

from kit.db import Table
from kit.guests import MergedAccountRow


class RecipientRow(Table, tablename="recipients"):
    """The name and address of an account."""

    account_id = UUID(primary_key=True)
    name = Text()
    email = Text()
    update_time = Timestamptz()
    email_verified = Boolean(default=False)
    delete_time = Timestamptz(null=True, default=None)
    guest = Boolean()
    sealed_order_token = Bytea(null=True, default=None)
    order_token_expire_time = Timestamptz(null=True, default=None)


class NotificationRow(Table, tablename="notifications"):
    """One message about one event to one account."""

    id = UUID(primary_key=True)
    account_id = UUID()
    order_id = UUID(null=True, default=None)
    template = Text()
    context = JSONB()
    subject = Text()
    recipient = Text()
    status = Text()
    attempts = Integer()
    due_time = Timestamptz(null=True, default=None)
    create_time = Timestamptz()
    send_time = Timestamptz(null=True, default=None)
    expire_time = Timestamptz(null=True, default=None)
    failure = Text()
    priority = SmallInt(default=1)


TABLES = (RecipientRow, NotificationRow, MergedAccountRow)
