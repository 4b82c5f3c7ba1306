"""Links in mails to guests, which open their orders on any device. Never for an account with a password.

A link works until it expires, because each mail about the guest's orders contains it. It stops working when the guest registers, is
merged or deleted, changes its contact, or has another one mailed.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from account.accounts.domain import Account, normalize_email
from account.accounts.ports import AccountStore
from account.attempts.use_cases import CountedLimit
from account.guests.ports import GuestSessions, GuestStore
from account.links.domain import Purpose
from account.links.errors import LinkInvalid
from account.links.ports import OrderFinder
from account.links.tokens import LinkTokens
from account.links.use_cases import LinkMailer
from account.sessions.domain import AuthResult
from kit.db import Database, Transaction, retry_on_contention
from kit.values import client_network


class OrderLinks:
    """Issues and opens links."""

    def __init__(self, db: Database, guests: GuestStore, sessions: GuestSessions, tokens: LinkTokens) -> None:
        self._db = db
        self._guests = guests
        self._sessions = sessions
        self._tokens = tokens

    async def issue(self, tx: Transaction, guest: Account) -> tuple[bytes, datetime]:
        """The sealed token of a new link and its expiry; earlier links of the guest stop working."""
        link = await self._tokens.create(tx, Purpose.ORDER_ACCESS, guest)
        return link.sealed_token, link.expire_time

    @retry_on_contention
    async def open(self, token: str, address: str) -> AuthResult:
        """Starts a session of the link's guest; raises LinkInvalid."""
        guest_id = await self._tokens.owner(Purpose.ORDER_ACCESS, token)
        async with self._db.transaction() as tx:
            guest = await self._guests.lock_guest(tx, guest_id)
            # Again under the lock: a change of the contact in between deleted the link.
            if guest is None or await self._tokens.owner(Purpose.ORDER_ACCESS, token, tx) != guest_id:
                raise LinkInvalid.at("token")
            return await self._sessions.start(tx, guest, "account.open_order_link", address)


class OrderLinkRequests:
    """Mails a new link to a guest who knows an order's number and its address."""

    def __init__(
        self,
        accounts: AccountStore,
        orders: OrderFinder,
        mailer: LinkMailer,
        network_limit: CountedLimit,
        min_duration: timedelta,
    ) -> None:
        self._accounts = accounts
        self._orders = orders
        self._mailer = mailer
        self._network_limit = network_limit
        self._min_duration = min_duration

    async def request(self, number: str, email: str, address: str) -> None:
        """Mails a link if the order is of a guest with the address; raises OrderLinkThrottled. Takes `min_duration` in any case."""
        started = asyncio.get_running_loop().time()
        await self._network_limit.enforce(client_network(address))
        guest_id = await self._find_guest(number, normalize_email(email))
        if guest_id is not None and await self._mailer.allows(Purpose.ORDER_ACCESS, normalize_email(email)):
            await self._mailer.request(Purpose.ORDER_ACCESS, guest_id, address)
        elapsed = asyncio.get_running_loop().time() - started
        await asyncio.sleep(max(0.0, self._min_duration.total_seconds() - elapsed))

    async def _find_guest(self, number: str, email: str) -> UUID | None:
        account_id = await self._orders.find_owner(number) if email else None
        accounts = await self._accounts.get_many([account_id]) if account_id else []
        return next((guest.id for guest in accounts if guest.guest and guest.email == email), None)
