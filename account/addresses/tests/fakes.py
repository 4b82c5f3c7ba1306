"""The fake of the port of saved addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from account.addresses.domain import SavedAddress
from account.tests.rows import Rows
from kit.db import Transaction


class FakeAddressStore(Rows):
    """In memory."""

    async def addresses_of(self, account_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[SavedAddress]]:
        stored = {account_id: self._book(account_id) for account_id in account_ids}
        return {account_id: book for account_id, book in stored.items() if book}

    async def count_addresses(self, tx: Transaction, account_id: UUID) -> int:
        return len(self._book(account_id))

    async def find_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> SavedAddress | None:
        return next((saved for saved in self._book(account_id) if saved.id == address_id), None)

    async def save_address(self, tx: Transaction, saved: SavedAddress) -> None:
        for other in self._book(saved.account_id):
            self.addresses[other.id] = replace(
                other,
                default_shipping=other.default_shipping and not saved.default_shipping,
                default_billing=other.default_billing and not saved.default_billing,
            )
        self.addresses[saved.id] = saved

    async def delete_address(self, tx: Transaction, account_id: UUID, address_id: UUID) -> bool:
        exists = await self.find_address(tx, account_id, address_id) is not None
        if exists:
            del self.addresses[address_id]
        return exists

    def _book(self, account_id: UUID) -> list[SavedAddress]:
        book = [saved for saved in self.addresses.values() if saved.account_id == account_id]
        return sorted(book, key=lambda saved: (saved.create_time, saved.id))
