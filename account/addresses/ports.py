"""What the use cases of saved addresses need. A store method without `tx` is a single statement."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from account.addresses.domain import SavedAddress
from kit.db import Transaction


class AddressStore(Protocol):
    """Saved addresses. Calls with `tx` hold the lock of the account."""

    async def addresses_of(self, account_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[SavedAddress]]:
        """The addresses of each account, oldest first; accounts without any are missing."""

    async def count_addresses(self, tx: Transaction, account_id: UUID) -> int:
        """The number of an account's addresses."""

    async def find_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> SavedAddress | None:
        """An address of the account."""

    async def save_address(self, tx: Transaction, saved: SavedAddress) -> None:
        """Inserts or replaces an address; as a default it takes the place of the account's previous one."""

    async def delete_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> bool:
        """False when the account has no such address."""
