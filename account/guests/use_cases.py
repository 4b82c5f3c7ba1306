"""Starting guests, their contact, and registering one. Everything that an account owns works for a guest unchanged."""

from datetime import timedelta
from typing import Final

from account.accounts.domain import Account, AccountRegistered, ContactDetails
from account.attempts.use_cases import CountedLimit
from account.guests.domain import GuestContactSet, new_guest, registered, with_contact
from account.guests.errors import GuestOnly
from account.guests.ports import GuestSessions, GuestStore, GuestTokenVerifier, OrderLinkIssuer
from account.sessions.domain import AuthResult
from account.sessions.errors import SessionRevoked
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries
from kit.errors import Unauthenticated
from kit.values import Clock, client_network

# Then the job that deletes unused guests looks at the guest for the first time, and computes when it may be deleted.
_FIRST_CHECK: Final = timedelta(days=1)


class GuestStarts:
    """Starts guests. It emits nothing: other services learn of a guest by its first contact or order."""

    def __init__(
        self,
        db: Database,
        store: GuestStore,
        sessions: GuestSessions,
        network_limit: CountedLimit,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._sessions = sessions
        self._network_limit = network_limit
        self._clock = clock

    async def start(self, address: str) -> AuthResult:
        """A new guest and its session; raises GuestThrottled."""
        await self._network_limit.enforce(client_network(address))
        now = self._clock()
        guest = new_guest(now)

        async def add() -> AuthResult:
            async with self._db.transaction() as tx:
                await self._store.add_guest(tx, guest, now + _FIRST_CHECK)
                # Not audited: clients start a guest for every visitor who fills a cart.
                return await self._sessions.start(tx, guest, None, address)

        return await run_with_contention_retries(add)


class GuestContacts:
    """Sets the name, address and phone number of guests."""

    def __init__(
        self,
        db: Database,
        store: GuestStore,
        sessions: GuestSessions,
        links: OrderLinkIssuer,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._sessions = sessions
        self._links = links
        self._clock = clock

    @retry_on_contention
    async def set_contact(self, caller: Principal, contact: ContactDetails) -> Account:
        """Sets the caller's contact; raises GuestOnly, SessionRevoked.

        Another contact gets another link to the guest's orders: the previous address must not open it any more.
        """
        if not caller.guest:
            raise GuestOnly.at("contact", "is for guests; an account has its own")
        await self._sessions.current_role(caller)
        async with self._db.transaction() as tx:
            guest = await self._store.lock_guest(tx, caller.account_id)
            if guest is None:
                raise SessionRevoked()
            changed = with_contact(guest, contact, self._clock())
            if changed != guest:
                await self._store.set_contact(tx, changed)
                await tx.emit(GuestContactSet(changed, *await self._links.issue(tx, changed)))
        return changed


class GuestRegistrations:
    """Turns guests into accounts: the row stays, so cart and orders stay too."""

    def __init__(
        self, store: GuestStore, sessions: GuestSessions, verifier: GuestTokenVerifier, clock: Clock
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._verifier = verifier
        self._clock = clock

    async def verify(self, guest_token: str) -> Principal:
        """The guest of a token whose session lives; raises GuestOnly."""
        try:
            guest = await self._verifier.verify(guest_token)
            await self._sessions.current_role(guest)
        except Unauthenticated:
            raise GuestOnly.at("guestToken") from None
        if not guest.guest:
            raise GuestOnly.at("guestToken")
        return guest

    async def register(
        self, tx: Transaction, guest: Principal, details: ContactDetails, password_hash: str
    ) -> Account:
        """Gives a guest a password and revokes its sessions and links; raises GuestOnly, EmailTaken."""
        locked = await self._store.lock_guest(tx, guest.account_id)
        if locked is None:
            raise GuestOnly.at("guestToken")
        account = registered(locked, details, self._clock())
        await self._store.register_guest(tx, account, password_hash)
        await self._sessions.revoke_all(tx, account)
        await tx.emit(AccountRegistered(account))
        return account
