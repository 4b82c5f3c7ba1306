"""No migration locks a table for as long as it is big: upgrades run under traffic."""

import pytest

from tests.house.house import SERVICES
from tests.lint.checkout import ROOT
from tests.lint.migrations import faults

FOLDERS = ["kit/db/sql", *(f"{service}/migrations" for service in SERVICES if service != "gateway")]
# Older than this rule, and applied by every database of that time.
OLDER = {
    "account/migrations/0002_sessions_links_audit.sql",
    "account/migrations/0005_account_words.sql",
    "account/migrations/0010_fold_more_words.sql",
    "catalog/migrations/0002_stock_audit.sql",
    "notification/migrations/0002_links_and_farewells.sql",
    "notification/migrations/0003_failures.sql",
    "notification/migrations/0004_leases.sql",
    "notification/migrations/0005_priorities.sql",
    "payment/migrations/0003_balanced_ledger.sql",
    "payment/migrations/0004_leases.sql",
}


def test_no_migration_locks_a_table_for_as_long_as_it_is_big() -> None:
    by_file: dict[str, list[str]] = {}
    for folder in FOLDERS:
        paths = sorted((ROOT / folder).glob("*.sql"))
        assert paths, folder
        by_file |= faults((f"{folder}/{path.name}", path.read_text()) for path in paths)
    assert {name: reasons for name, reasons in by_file.items() if name not in OLDER} == {}
    assert by_file.keys() == OLDER


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX shops_city ON shops (city)",
        "CREATE UNIQUE INDEX IF NOT EXISTS shops_city ON shops (city)",
        "ALTER TABLE shops ADD CONSTRAINT shops_city CHECK (city <> '')",
        "ALTER TABLE shops ADD CHECK (city <> '')",
        "ALTER TABLE shops ADD CONSTRAINT shops_town FOREIGN KEY (town_id) REFERENCES towns",
        "ALTER TABLE shops DROP CONSTRAINT a, ADD CONSTRAINT b CHECK (x IN (1, 2)), ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
        "ALTER TABLE shops ADD UNIQUE (city)",
        "ALTER TABLE shops ADD COLUMN town_id uuid REFERENCES towns",
        "ALTER TABLE shops ADD COLUMN stars integer NOT NULL DEFAULT 0 CHECK (stars IN (0, 1))",
        "ALTER TABLE shops ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
        "ALTER TABLE shops ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE shops ALTER COLUMN city SET NOT NULL",
        "ALTER TABLE shops ALTER COLUMN stars TYPE bigint",
        "ALTER TABLE shops ALTER stars SET DATA TYPE bigint",
        "ALTER TABLE shops SET UNLOGGED",
        "ALTER TABLE shops VALIDATE CONSTRAINT shops_city",
        "UPDATE shops SET city = ''",
        "DO $$ BEGIN UPDATE shops AS s SET city = ''; END $$",
        "DELETE FROM shops WHERE city = ''",
        "INSERT INTO shops (city) SELECT name FROM towns",
        "ALTER TABLE shops ADD COLUMN city text; DO $$ BEGIN PERFORM count(*) FROM shops; END $$",
    ],
)
def test_each_such_statement_is_found(sql: str) -> None:
    assert faults([("0002.sql", f"-- Why.\n{sql};\n")]).keys() == {"0002.sql"}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE shops (city text CHECK (city <> '')); CREATE INDEX shops_city ON shops (city); INSERT INTO shops SELECT ''",
        "ALTER TABLE shops ADD COLUMN stars numeric(3, 1) NOT NULL DEFAULT 0, ADD CONSTRAINT a CHECK (stars IN (0, 1)) NOT VALID",
        "ALTER TABLE shops ALTER COLUMN city DROP NOT NULL; DROP INDEX shops_city",
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE shops SET city = ''; END $$",
        "DO $$ BEGIN PERFORM count(*) FROM shops; END $$; ALTER TABLE shops ADD COLUMN city text",
    ],
)
def test_short_locks_and_new_tables_are_allowed(sql: str) -> None:
    assert faults([("0002.sql", f"{sql};\n")]) == {}


def test_not_null_may_follow_a_validated_check() -> None:
    added = "ALTER TABLE shops ADD CONSTRAINT have_cities CHECK (city IS NOT NULL) NOT VALID;"
    set_not_null = "ALTER TABLE shops ALTER COLUMN city SET NOT NULL;"
    validated = "-- transaction: none\nALTER TABLE shops VALIDATE CONSTRAINT have_cities;"
    assert faults([("1", added), ("2", validated), ("3", set_not_null)]) == {}
    assert faults([("1", added), ("3", set_not_null)]).keys() == {"3"}
