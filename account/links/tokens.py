"""The tokens of links: mailed encrypted, stored hashed."""

from uuid import UUID

from account.accounts.domain import Account
from account.links.domain import LinkLifetimes, LinkRequested, Purpose
from account.links.errors import LinkInvalid
from account.links.ports import LinkStore, Sealer
from account.sessions.domain import hash_token
from kit.db import Transaction
from kit.values import Clock, secret_token


class LinkTokens:
    """Creates and consumes tokens."""

    def __init__(self, store: LinkStore, sealer: Sealer, lifetimes: LinkLifetimes, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._lifetimes = lifetimes
        self._clock = clock

    async def create(self, tx: Transaction, purpose: Purpose, account: Account) -> LinkRequested:
        """Replaces earlier links of the account for the same purpose."""
        token, now = secret_token(), self._clock()
        expire_time = now + self._lifetimes.of(purpose)
        await self._store.save_link(tx, purpose, account.id, hash_token(token), now, expire_time)
        return LinkRequested(purpose, account, self._sealer.seal(token), expire_time)

    async def owner(self, purpose: Purpose, token: str, tx: Transaction | None = None) -> UUID:
        """The account of a link; raises LinkInvalid."""
        owner = await self._store.link_owner(purpose, hash_token(token), self._clock(), tx)
        if owner is None:
            raise LinkInvalid.at("token")
        return owner

    async def consume(self, tx: Transaction, purpose: Purpose, token: str, owner_id: UUID) -> None:
        """Consumes a link and deletes the account's other links; raises LinkInvalid."""
        if not await self._store.consume_link(tx, purpose, hash_token(token), self._clock()):
            raise LinkInvalid.at("token")
        await self._store.delete_links(tx, owner_id)
