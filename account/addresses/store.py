"""The only reader and writer of the table `addresses`, except that `accounts.store` erases those of a deleted account."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Final
from uuid import UUID

from account.addresses.domain import PostalAddress, SavedAddress
from kit.db import Database, Record, Transaction

_PARTS: Final = "name, line1, line2, city, region, postal_code, country_code"
_COLUMNS: Final = f"id, account_id, {_PARTS}, default_shipping, default_billing, create_time, update_time"
_ADDRESSES_OF = (
    f"SELECT {_COLUMNS} FROM addresses WHERE account_id = ANY($1::uuid[]) ORDER BY create_time, id"  # noqa: S608
)
_FIND = f"SELECT {_COLUMNS} FROM addresses WHERE id = $1 AND account_id = $2"  # noqa: S608
_COUNT = "SELECT count(*) FROM addresses WHERE account_id = $1"
# A statement of its own: the index of defaults is checked row by row.
_REMOVE_DEFAULTS = """
UPDATE addresses SET default_shipping = default_shipping AND NOT $3, default_billing = default_billing AND NOT $4
WHERE account_id = $1 AND id <> $2 AND (default_shipping AND $3 OR default_billing AND $4)
"""
_SAVE = f"""
INSERT INTO addresses ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (id) DO UPDATE SET name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8, country_code = $9,
    default_shipping = $10, default_billing = $11, update_time = $13
"""  # noqa: S608
_DELETE = "DELETE FROM addresses WHERE id = $1 AND account_id = $2 RETURNING true"


class PostgresAddressStore:
    """`ports.AddressStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def addresses_of(self, account_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[SavedAddress]]:
        """One statement."""
        stored: dict[UUID, list[SavedAddress]] = defaultdict(list)
        for row in await self._db.fetch(_ADDRESSES_OF, list(account_ids)):
            stored[row["account_id"]].append(_saved_address(row))
        return dict(stored)

    async def count_addresses(self, tx: Transaction, account_id: UUID) -> int:
        """The number of an account's addresses."""
        count: int = await tx.fetchval(_COUNT, account_id)
        return count

    async def find_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> SavedAddress | None:
        """Checks ownership in the query."""
        row = await tx.fetchrow(_FIND, address_id, account_id)
        return _saved_address(row) if row else None

    async def save_address(self, tx: Transaction, saved: SavedAddress) -> None:
        """Removes the previous defaults first."""
        defaults = (saved.default_shipping, saved.default_billing)
        await tx.execute(_REMOVE_DEFAULTS, saved.account_id, saved.id, *defaults)
        parts = astuple(saved.address)
        times = (saved.create_time, saved.update_time)
        await tx.execute(_SAVE, saved.id, saved.account_id, *parts, *defaults, *times)

    async def delete_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> bool:
        """Checks ownership in the statement."""
        return bool(await tx.fetchval(_DELETE, address_id, account_id))


def _saved_address(row: Record) -> SavedAddress:
    return SavedAddress(
        id=row["id"],
        account_id=row["account_id"],
        address=PostalAddress(*(row[part] for part in _PARTS.split(", "))),
        default_shipping=row["default_shipping"],
        default_billing=row["default_billing"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
