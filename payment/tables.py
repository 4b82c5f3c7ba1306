"""The payment service's tables as Piccolo classes; a test compares them with the migrated schema."""

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Integer, Text, Timestamptz

from kit.db import Table
from kit.guests import MergedAccountRow


class PaymentRow(Table, tablename="payments"):
    """The charge of one order."""

    id = UUID(primary_key=True)
    order_id = UUID()
    account_id = UUID()
    amount = BigInt()
    currency = Text()
    payment_method = Text()
    pay_before = Timestamptz()
    status = Text()
    order_cancelled = Boolean()
    provider_id = Text()
    confirmed = Boolean()
    provider_failures = Integer()
    failure_code = Text()
    next_action_url = Text()
    confirmation = Text()
    client_secret = Bytea()
    declines = Integer()
    save_method = Boolean()
    attempts = Integer()
    due_time = Timestamptz(null=True, default=None)
    create_time = Timestamptz()
    update_time = Timestamptz()


class RefundRow(Table, tablename="refunds"):
    """A refund of a payment."""

    id = UUID(primary_key=True)
    payment_id = UUID()
    amount = BigInt()
    reason = Text()
    status = Text()
    provider_id = Text()
    provider_failures = Integer()
    attempts = Integer()
    due_time = Timestamptz(null=True, default=None)
    create_time = Timestamptz()
    update_time = Timestamptz()
    input_hash = Bytea()
    rejections = Integer(db_column_name="refusals")


class LedgerRow(Table, tablename="ledger"):
    """One side of a double entry."""

    entry = UUID(primary_key=True)
    account = Text()
    payment_id = UUID()
    amount = BigInt()
    currency = Text()
    time = Timestamptz()


class ProviderCustomerRow(Table, tablename="provider_customers"):
    """An account at the provider; of a deleted account, only that it was deleted."""

    account_id = UUID(primary_key=True)
    provider_id = Text()
    delete_time = Timestamptz(null=True, default=None)
    attempts = Integer()
    due_time = Timestamptz(null=True, default=None)
    create_time = Timestamptz()
    setups = Integer()
    setups_since = Timestamptz(null=True, default=None)


class SavedMethodRow(Table, tablename="saved_methods"):
    """A payment method of an account."""

    id = UUID(primary_key=True)
    account_id = UUID()
    state = Text()
    provider_id = Text()
    payment_id = UUID(null=True, default=None)
    method_id = Text()
    brand = Text()
    last4 = Text()
    exp_month = Integer()
    exp_year = Integer()
    is_default = Boolean()
    provider_failures = Integer()
    attempts = Integer()
    due_time = Timestamptz(null=True, default=None)
    create_time = Timestamptz()
    update_time = Timestamptz()


TABLES = (PaymentRow, RefundRow, LedgerRow, ProviderCustomerRow, SavedMethodRow, MergedAccountRow)
