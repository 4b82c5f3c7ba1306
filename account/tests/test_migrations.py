"""What migrations say about rows from before a rule."""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now
from kit.values.names import find_hidden_character

__all__ = ["database_url", "postgres"]


async def add_accounts(url: str, names: Sequence[str]) -> list[str]:
    connection = await asyncpg.connect(url)
    ids = [ACCOUNT.new() for _ in names]
    for index, (account_id, name) in enumerate(zip(ids, names, strict=True)):
        await connection.execute(
            "INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time)"
            " VALUES ($1, $2, $3, '', 'USER', false, '', $4, $4)",
            account_id,
            name,
            f"{index}@example.com",
            utc_now() + timedelta(seconds=index),
        )
    await connection.close()
    return [str(account_id) for account_id in ids]


async def test_names_with_hidden_characters_are_listed_and_kept(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    migrations = Migrations("account")
    before = [migration for migration in migrations.all() if not migration.name.startswith("account/0009")]
    with monkeypatch.context() as older:
        older.setattr(migrations, "all", lambda: before)
        await migrations.apply(database_url)
    names = [
        "\u3164",
        "Jo\u202ehn",
        "Ann\u2028Lee",
        "\u0930\u092e\u0947\u0936",
        "\u0645\u062d\u0645\u062f\u200c\u0631\u0636\u0627",
        "John",
    ]
    ids = await add_accounts(database_url, names)

    await migrations.apply(database_url)

    text = "account {} has the invisible or direction-changing character {} in its name"
    logged = [str(record.__dict__) for record in caplog.records if "migration.warning" in record.getMessage()]
    assert len(logged) == 3
    for line, account_id, character in zip(logged, ids, ("U+3164", "U+202E", "U+2028"), strict=False):
        assert text.format(account_id, character) in line
    connection = await asyncpg.connect(database_url)
    stored = await connection.fetch("SELECT name FROM accounts ORDER BY create_time")
    assert [row["name"] for row in stored] == names
    await connection.close()


async def test_every_listed_character_is_rejected_in_new_names(database_url: str) -> None:
    await Migrations("account").apply(database_url)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT number, hidden_character('A' || chr(number) || 'B') AS listed FROM generate_series(128, 65533) AS number"
        " WHERE number NOT BETWEEN 55296 AND 57343"
    )
    await connection.close()

    listed = {row["number"]: row["listed"] for row in rows if row["listed"]}
    assert len(listed) > 6_400
    for number, character in listed.items():
        rejected = find_hidden_character(f"A{chr(number)}B")
        assert rejected is not None, unicodedata.name(chr(number), character)
        assert rejected.split()[0] == character
