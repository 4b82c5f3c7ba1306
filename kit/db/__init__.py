"""PostgreSQL for a service: a connection pool, transactions, the outbox, migrations, declared tables.

Use cases open `db.transaction()` and pass `tx` to their store; only stores contain SQL. `kit.db.fake` replaces the database in unit tests;
`kit.db.schema` compares declared tables with migrated ones.
"""

from asyncpg import CheckViolationError as CheckViolation
from asyncpg import ExclusionViolationError as ExclusionViolation
from asyncpg import ForeignKeyViolationError as ForeignKeyViolation
from asyncpg import Record
from asyncpg import UniqueViolationError as UniqueViolation

from kit.db.contention import retry_on_contention, run_with_contention_retries
from kit.db.counts import bounded_count
from kit.db.database import Database
from kit.db.distinct import distinct_runs
from kit.db.errors import DatabaseBusy, DatabaseContention, DatabaseUnavailable
from kit.db.exclusive_lock import try_exclusive_lock
from kit.db.migrating import MigrationError
from kit.db.migrations import Migration, Migrations
from kit.db.outbox import OutboxColumns, OutboxEncoder
from kit.db.schema import assert_tables_match
from kit.db.statements import Statements
from kit.db.tables import Table
from kit.db.transaction import Transaction, current_transaction
from kit.db.transpose import transpose
from kit.db.where import WhereClause

__all__ = [
    "CheckViolation",
    "Database",
    "DatabaseBusy",
    "DatabaseContention",
    "DatabaseUnavailable",
    "ExclusionViolation",
    "ForeignKeyViolation",
    "Migration",
    "MigrationError",
    "Migrations",
    "OutboxColumns",
    "OutboxEncoder",
    "Record",
    "Statements",
    "Table",
    "Transaction",
    "UniqueViolation",
    "WhereClause",
    "assert_tables_match",
    "bounded_count",
    "current_transaction",
    "distinct_runs",
    "retry_on_contention",
    "run_with_contention_retries",
    "transpose",
    "try_exclusive_lock",
]
