"""PostgreSQL for a service: a pool, transactions that own their exit, the outbox, migrations, declared tables.

Use cases open `db.transaction()` and hand `tx` to their store; stores are the only ones to write SQL.
`kit.db.fake` stands in for it in tests; `kit.db.schema` compares declared tables with migrated ones.
"""

from asyncpg import CheckViolationError as CheckViolation
from asyncpg import ForeignKeyViolationError as ForeignKeyViolation
from asyncpg import Record
from asyncpg import UniqueViolationError as UniqueViolation

from kit.db.columns import columns
from kit.db.conditions import Conditions
from kit.db.contention import repeatable, repeated
from kit.db.counts import bounded_count
from kit.db.database import Database
from kit.db.exclusive import alone
from kit.db.faults import DatabaseBusy, DatabaseContention, DatabaseUnavailable
from kit.db.migrating import MigrationError
from kit.db.migrations import Migration, Migrations
from kit.db.outbox import OutboxColumns, Publishes, outbox_insert
from kit.db.schema import assert_tables_match
from kit.db.statements import Statements
from kit.db.tables import Table
from kit.db.transaction import Transaction, current_transaction

__all__ = [
    "CheckViolation",
    "Conditions",
    "Database",
    "DatabaseBusy",
    "DatabaseContention",
    "DatabaseUnavailable",
    "ForeignKeyViolation",
    "Migration",
    "MigrationError",
    "Migrations",
    "OutboxColumns",
    "Publishes",
    "Record",
    "Statements",
    "Table",
    "Transaction",
    "UniqueViolation",
    "alone",
    "assert_tables_match",
    "bounded_count",
    "columns",
    "current_transaction",
    "outbox_insert",
    "repeatable",
    "repeated",
]
