"""What workers do with methods: find the card that a page or a payment saved, and delete deleted ones at the provider."""

from collections.abc import Sequence

from kit.db import Database, Transaction, retry_on_contention
from kit.telemetry import get_logger
from kit.values import PAYMENT_METHOD, Clock
from kit.work import LeaseLost
from payment.leases.domain import LEASE
from payment.methods.domain import MethodState, ProviderCard, SavedMethod, SetupStatus
from payment.methods.ports import MethodProvider, MethodStore
from payment.payments.ports import PaymentStore
from payment.payments.status import PaymentStatus
from payment.provider.errors import ProviderFailed, ProviderUnavailable

log = get_logger(__name__)


class MethodWork:
    """Processes leased methods."""

    def __init__(
        self,
        db: Database,
        store: MethodStore,
        payments: PaymentStore,
        provider: MethodProvider,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._payments = payments
        self._provider = provider
        self._clock = clock

    async def claim(self, limit: int) -> Sequence[SavedMethod]:
        """Leases due methods; none while the provider is down."""
        now, limit = self._clock(), self._provider.available_permits(limit)
        return await self._store.claim_methods(now, now + LEASE, limit) if limit else []

    async def advance(self, method: SavedMethod) -> None:
        """Takes a leased method as far as possible; raises LeaseLost if another worker has taken over."""
        try:
            await self._advance(method)
        except (ProviderUnavailable, ProviderFailed) as error:
            log.warning("method.deferred", method_id=PAYMENT_METHOD.format(method.id), reason=error.reason)
            await self._schedule(method, failed=True)

    async def _advance(self, method: SavedMethod) -> None:
        if method.state is MethodState.DELETING:
            await self._provider.detach(method.method_id)
            await self._remove(method)
        elif method.payment_id is None:
            await self._finish_setup(method)
        else:
            await self._finish_payment(method)

    async def _finish_setup(self, method: SavedMethod) -> None:
        setup = await self._provider.read_setup(method.provider_id)
        if method.must_cancel(setup, self._clock()):
            setup = await self._provider.cancel_setup(method.provider_id)
        if setup.status is SetupStatus.OPEN:
            await self._schedule(method)
        else:
            await self._save_or_remove(method, setup.card)

    async def _finish_payment(self, method: SavedMethod) -> None:
        assert method.payment_id
        [payment] = await self._payments.get_many([method.payment_id], None)
        if payment.status.is_open:
            await self._schedule(method)
        elif payment.status is PaymentStatus.SUCCEEDED and payment.provider_id:
            await self._save_or_remove(method, await self._provider.charged_card(payment.provider_id))
        else:
            await self._remove(method)

    @retry_on_contention
    async def _save_or_remove(self, leased: SavedMethod, card: ProviderCard | None) -> None:
        """A card that the provider did not keep, or that is saved already, is no new method."""
        async with self._db.transaction() as tx:
            saved = await self._store.lock_account(tx, leased.account_id)
            method = await self._lock(tx, leased)
            if card is None or not card.attached or await self._store.has_card(tx, card.id):
                await self._store.delete(tx, method.id)
                return
            method.save(card, len(saved), self._clock())
            await self._store.save(tx, method)

    @retry_on_contention
    async def _remove(self, leased: SavedMethod) -> None:
        async with self._db.transaction() as tx:
            method = await self._lock(tx, leased)
            await self._store.delete(tx, method.id)

    @retry_on_contention
    async def _schedule(self, leased: SavedMethod, *, failed: bool = False) -> None:
        async with self._db.transaction() as tx:
            method = await self._lock(tx, leased)
            if failed:
                method.schedule_retry(self._clock())
            else:
                method.schedule_poll(self._clock())
            await self._store.save(tx, method)

    async def _lock(self, tx: Transaction, leased: SavedMethod) -> SavedMethod:
        """The row; it is gone when the account was deleted."""
        method = await self._store.lock(tx, leased.id)
        if method is None or method.attempts != leased.attempts:
            raise LeaseLost()
        return method
