"""Merging a guest into the account that its owner signed in to. Other services rewrite what they keep when they consume GuestMerged."""

from uuid import UUID

from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from account.guests.domain import GuestMerged
from account.guests.errors import GuestOnly
from account.guests.ports import GuestSessions, GuestStore, GuestTokenVerifier
from account.sessions.errors import SessionRevoked
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import Unauthenticated
from kit.values import Clock


class GuestMerges:
    """Merges guests. The guest's token is the proof; it must be of the guest's living session, or the guest merged already."""

    def __init__(
        self,
        db: Database,
        store: GuestStore,
        sessions: GuestSessions,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._sessions = sessions
        self._audit = audit
        self._clock = clock

    async def merge(
        self, caller: Principal, guest_token: str, verifier: GuestTokenVerifier, address: str
    ) -> UUID:
        """Merges a guest into the caller's account, once; returns the guest's id. Repeating it changes nothing.

        Raises NotForGuests, SessionRevoked, and GuestOnly for any other token, also of a guest merged into another account.
        """
        caller.reject_guest()
        await self._sessions.current_role(caller)
        try:
            guest = await verifier.verify(guest_token)
        except Unauthenticated:
            raise GuestOnly.at("guestToken") from None
        if not guest.guest:
            raise GuestOnly.at("guestToken")
        await self._merge(caller, guest, await self._is_living(guest), address)
        return guest.account_id

    @retry_on_contention
    async def _merge(self, caller: Principal, guest: Principal, is_living: bool, address: str) -> None:
        async with self._db.transaction() as tx:
            locked, into = await self._store.lock_pair(tx, guest.account_id, caller.account_id)
            if into is None:
                raise SessionRevoked()
            if locked is None:
                await self._require_merged(tx, guest, caller)
                return
            if not is_living:
                raise GuestOnly.at("guestToken")
            now = self._clock()
            await self._sessions.revoke_all(tx, locked)
            await self._store.merge_guest(tx, guest.account_id, caller.account_id, now)
            await self._audit.erase_ip_addresses(tx, guest.account_id)
            await self._audit.record(
                tx, AuditEvent.by(caller, "account.merge_guest", address, subject_id=guest.account_id)
            )
            await tx.emit(GuestMerged(guest.account_id, caller.account_id))

    async def _require_merged(self, tx: Transaction, guest: Principal, caller: Principal) -> None:
        if await self._store.merged_into(tx, guest.account_id) != caller.account_id:
            raise GuestOnly.at("guestToken")

    async def _is_living(self, guest: Principal) -> bool:
        try:
            await self._sessions.current_role(guest)
        except SessionRevoked:
            return False
        return True
