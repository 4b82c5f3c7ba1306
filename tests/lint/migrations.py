"""Finds the statements of migrations that lock a table for as long as it is big."""

import re
from collections.abc import Iterable

NO_TRANSACTION = "-- transaction: none"
_COMMENT = re.compile(r"--[^\n]*")
_ROUTINE = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\b.*?(\$\w*\$).*?\1", re.DOTALL)
_NEW_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
_ADDED_CHECK = re.compile(r"ALTER TABLE (\w+) ADD CONSTRAINT (\w+) CHECK \((\w+) IS NOT NULL\) NOT VALID")
_VALIDATED = re.compile(r"ALTER TABLE (\w+) VALIDATE CONSTRAINT (\w+)")
_NOT_NULL = re.compile(r"ALTER (?:COLUMN )?(\w+) SET NOT NULL")
_ALTER = re.compile(r"ALTER TABLE (?:ONLY )?(\w+) (.*)")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(?:\w+ )?ON (\w+)")
_LOCKS = re.compile(r"ALTER TABLE|DROP (?:INDEX|TABLE|TRIGGER)|CREATE (?:INDEX|TRIGGER)|LOCK ")
_ROWS = re.compile(
    r"UPDATE (?:ONLY )?(\w+)(?: (?:AS )?\w+)? SET\b|DELETE FROM (?:ONLY )?(\w+)"
    r"|INSERT INTO (\w+)(?: AS \w+)?(?: \([^)]*\))? (?:SELECT|WITH)"
)
_ACTIONS = (
    (re.compile(r"ADD COLUMN .*(?:\bCHECK\b|\bREFERENCES\b|\bUNIQUE\b|\bPRIMARY KEY\b)"), "a new column's constraint reads all rows"),
    (re.compile(r"ADD COLUMN .*(?:DEFAULT [\w.]+ ?\(|\bGENERATED\b|\bSERIAL\b)", re.IGNORECASE), "computing a column rewrites the table"),
    (re.compile(r"ADD (?!COLUMN)(?!.*(?:NOT VALID|USING INDEX \w+)$)"), "a constraint is added NOT VALID and validated in a later file"),
    (re.compile(r"ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE\b"), "a type's change rewrites the table"),
    (re.compile(r"SET (?:LOGGED|UNLOGGED|TABLESPACE)\b"), "the table is rewritten"),
    (re.compile(r"VALIDATE CONSTRAINT"), "validating reads all rows, so it is done without a transaction"),
)  # fmt: skip


class _Checks:
    """The CHECKs that columns are not null, and which of them are validated."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], str] = {}
        self.validated: set[tuple[str, str]] = set()

    def read(self, text: str) -> None:
        """Adds those of a file."""
        self._columns |= {(table, name): column for table, name, column in _ADDED_CHECK.findall(text)}
        self.validated |= {
            (table, self._columns.get((table, name), "")) for table, name in _VALIDATED.findall(text)
        }


def faults(files: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The reasons why files of one service, (name, SQL) in their order, lock large tables; files without one are left out."""
    checks = _Checks()
    by_file = {name: list(_faults_of(sql, checks)) for name, sql in files}
    return {name: reasons for name, reasons in by_file.items() if reasons}


def _faults_of(sql: str, checks: _Checks) -> Iterable[str]:
    text = " ".join(_ROUTINE.sub("", _COMMENT.sub("", sql)).split())
    new, locked = set(_NEW_TABLE.findall(text)), False
    checks.read(text)
    if sql.startswith(NO_TRANSACTION):
        return
    for statement in map(str.strip, text.split(";")):
        for table in map("".join, _ROWS.findall(statement)):
            if table not in new:
                yield f"rows of {table} are changed by a procedure, in batches"
        if (index := _INDEX.match(statement)) and index[1] not in new:
            yield f"an index of {index[1]} is created CONCURRENTLY"
        if (alter := _ALTER.match(statement)) and alter[1] not in new:
            yield from _faults_of_alter(alter[1], alter[2], checks)
        if locked and re.match(r"DO\b|SELECT\b|WITH\b", statement):
            yield "rows are read while a table is locked"
        locked |= bool(_LOCKS.match(statement))


def _faults_of_alter(table: str, actions: str, checks: _Checks) -> Iterable[str]:
    for action in map(str.strip, re.split(r",(?![^(]*\))", actions)):
        for pattern, reason in _ACTIONS:
            if pattern.match(action):
                yield f"{table}: {reason}"
        if (column := _NOT_NULL.match(action)) and (table, column[1]) not in checks.validated:
            yield f"{table}: NOT NULL follows a validated CHECK ({column[1]} IS NOT NULL)"
