"""The use cases on fakes with one customer, John."""

from pathlib import Path

import pytest

from account.accounts.domain import Account
from account.attempts.errors import LoginThrottled
from account.credentials.domain import Credentials
from account.credentials.errors import BadCredentials
from account.links.domain import LinkRequested, Purpose
from account.sessions.domain import AuthResult, SessionEnded
from account.tests.fakes import World
from kit.auth import Principal, SigningKeys, TokenVerifier

EMAIL, PASSWORD, NEW_PASSWORD = "john@example.com", "SecurePass123!", "AnotherPass456!"
HOME, STRANGER = "192.0.2.1", "198.51.100.66"


class Shop(World):
    """The use cases, with short forms for John's calls. `HOME` is John's address, `STRANGER` is not."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(keys)
        self.verifier = TokenVerifier(keys.public)

    async def register(
        self,
        *,
        name: str = "John",
        email: str = EMAIL,
        phone: str = "",
        password: str = PASSWORD,
        address: str = HOME,
        guest_token: str = "",
    ) -> AuthResult:
        return await self.registrations.register(
            name=name,
            email=email,
            phone=phone,
            password=password,
            address=address,
            guest_token=guest_token,
        )

    async def login(
        self, password: str = PASSWORD, *, email: str = EMAIL, address: str = HOME, device_token: str = ""
    ) -> AuthResult:
        return await self.logins.login(
            email=email, password=password, address=address, device_token=device_token
        )

    async def guess(self, address: str = STRANGER, email: str = EMAIL, device_token: str = "") -> str:
        """The reason of the error for a wrong password."""
        try:
            await self.login("wrong-password", email=email, address=address, device_token=device_token)
        except (BadCredentials, LoginThrottled) as error:
            return error.reason
        raise AssertionError("a wrong password signed in")

    async def change_password(self, signed_in: AuthResult, address: str = HOME) -> AuthResult:
        caller = await self.principal(signed_in)
        return await self.password_changes.change_password(
            caller, current=PASSWORD, new=NEW_PASSWORD, address=address
        )

    async def refresh(self, signed_in: AuthResult) -> AuthResult:
        return await self.sessions.refresh(signed_in.refresh_token, HOME)

    async def principal(self, signed_in: AuthResult) -> Principal:
        return await self.verifier.verify(signed_in.access_token)

    def guest_verifier(self) -> TokenVerifier:
        """Verifies signatures only, as for merges."""
        return self.verifier

    async def reset_token(self) -> str:
        """The token of a new password reset link."""
        await self.reset_requests.request_password_reset(EMAIL, HOME)
        return self.last_link(Purpose.PASSWORD_RESET)

    async def verification_token(self, signed_in: AuthResult) -> str:
        """The token of a new email verification link."""
        await self.verifications.request_email_verification(await self.principal(signed_in), HOME)
        return self.last_link(Purpose.EMAIL_VERIFICATION)

    def last_link(self, purpose: Purpose) -> str:
        [*_, link] = [link for link in self.mailed() if link.purpose is purpose]
        return link.sealed_token.decode()

    def replace_stored(self, account: Account, password_hash: str) -> None:
        self.store.accounts[account.id] = Credentials(account, password_hash)

    def revoked(self) -> list[SessionEnded]:
        return [event for event in self.db.events if isinstance(event, SessionEnded)]

    def mailed(self) -> list[LinkRequested]:
        return [event for event in self.db.events if isinstance(event, LinkRequested)]

    def actions(self) -> list[str]:
        return [record.event.action for record in self.store.audits]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys.generate(Path(tmp_path_factory.mktemp("keys"), "keys.json"))


@pytest.fixture
def shop(keys: SigningKeys) -> Shop:
    return Shop(keys)
