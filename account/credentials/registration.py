"""Registering an account and signing it in."""

from account.accounts.domain import ContactDetails
from account.accounts.use_cases import Accounts
from account.attempts.errors import TooBusy
from account.attempts.use_cases import CountedLimit
from account.credentials.domain import read_password
from account.credentials.ports import Passwords
from account.devices.use_cases import Devices
from account.guests.use_cases import GuestRegistrations
from account.metrics import REGISTRATIONS
from account.sessions.domain import AuthResult
from kit.db import Database, run_with_contention_retries
from kit.values import FieldReader, client_network


class LimitedHashes:
    """Hashes the passwords of new accounts, a limited number for each network."""

    def __init__(self, passwords: Passwords, network_limit: CountedLimit) -> None:
        self._passwords = passwords
        self._network_limit = network_limit

    async def hash(self, password: bytes, network: str) -> str:
        """Raises RegisterThrottled, and TooBusy, which does not count."""
        await self._network_limit.enforce(network)
        try:
            return await self._passwords.hash(password)
        except TooBusy:
            await self._network_limit.refund(network)
            raise


class Registrations:
    """Registers accounts."""

    def __init__(
        self,
        db: Database,
        accounts: Accounts,
        guests: GuestRegistrations,
        hashes: LimitedHashes,
        devices: Devices,
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._guests = guests
        self._hashes = hashes
        self._devices = devices

    async def register(
        self, *, name: str, email: str, phone: str, password: str, address: str, guest_token: str = ""
    ) -> AuthResult:
        """Creates an account with the role USER, or turns a guest into it, and starts a session.

        Raises InvalidArgument, GuestOnly, EmailTaken, RegisterThrottled, TooBusy.
        """
        reader = FieldReader()
        details = ContactDetails.read(reader, name=name, email=email, phone=phone)
        new_password = read_password(reader, password, "password")
        reader.raise_if_invalid()
        guest = await self._guests.verify(guest_token) if guest_token else None
        password_hash = await self._hashes.hash(new_password, client_network(address))

        async def add() -> AuthResult:
            async with self._db.transaction() as tx:
                if guest is None:
                    account = await self._accounts.add(tx, details, password_hash)
                else:
                    account = await self._guests.register(tx, guest, details, password_hash)
                return await self._devices.start_session(tx, account, "account.register", address)

        result = await run_with_contention_retries(add)
        REGISTRATIONS.inc()
        return result
