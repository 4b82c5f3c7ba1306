"""Deletes guests that are no longer used: those without orders, and those whose orders ended long ago."""

from typing import Final

from account.accounts.errors import AccountNotFound
from account.audit.domain import AuditEvent
from account.guests.domain import GuestPolicy
from account.guests.ports import Eraser, GuestStore, OrderSummaries
from kit.telemetry import get_logger
from kit.values import Clock

log = get_logger(__name__)

_BATCH_SIZE: Final = 100


class GuestExpiry:
    """A job. Replicas may run it concurrently: the second finds the guest deleted."""

    def __init__(
        self,
        store: GuestStore,
        orders: OrderSummaries,
        eraser: Eraser,
        policy: GuestPolicy,
        clock: Clock,
    ) -> None:
        self._store = store
        self._orders = orders
        self._eraser = eraser
        self._policy = policy
        self._clock = clock

    async def delete_unused(self) -> int:
        """Deletes all guests that are due and whose orders allow it; returns their number. Each is its own transaction, as any deletion."""
        deleted = 0
        while True:
            now = self._clock()
            due = await self._store.due_guests(now, _BATCH_SIZE)
            orders = await self._orders.summarize([guest.id for guest in due]) if due else ()
            checks = {
                guest.id: guest.next_check(summary, self._policy, now)
                for guest, summary in zip(due, orders, strict=True)
            }
            await self._store.postpone_guests({id_: time for id_, time in checks.items() if time is not None})
            for guest_id in (id_ for id_, time in checks.items() if time is None):
                try:
                    await self._eraser.erase(guest_id, AuditEvent("account.expire_guest", None, guest_id, ""))
                except AccountNotFound:
                    continue
                deleted += 1
            if len(due) < _BATCH_SIZE:
                if deleted:
                    log.info("guests.expired", guests=deleted)
                return deleted
