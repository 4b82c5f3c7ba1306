"""The lock on what an account saves. It is on the account's id, because an account has no row before it saves something."""

from collections.abc import Iterable
from uuid import UUID

from kit.db import Transaction

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('saved methods of ' || id, 0)) FROM unnest($1::text[]) AS id"


async def lock_accounts(tx: Transaction, account_ids: Iterable[UUID]) -> None:
    """Locks accounts until the transaction ends, in order of their ids so that two calls cannot deadlock.

    What is read afterwards includes what the previous holder of the lock committed.
    """
    await tx.execute(_LOCK, [str(account_id) for account_id in sorted(set(account_ids))])
