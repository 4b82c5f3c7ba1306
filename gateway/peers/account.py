"""The account service."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.account.v1 import account_pb2 as account
from souk.account.v1 import account_service_pb2 as pb

from gateway.peers.peer import Peer, channel, instant, text_or_none
from gateway.schema.account import Account, AuthPayload, LoginInput, RegisterInput, Role


class Accounts(Peer):
    """Accounts and sessions."""

    def __init__(self, address: str) -> None:
        super().__init__("account", channel(address, pb.DESCRIPTOR.services_by_name["AccountService"]))

    async def register(self, wanted: RegisterInput) -> AuthPayload:
        """Register."""
        request = pb.RegisterRequest(
            name=wanted.name, email=wanted.email, password=wanted.password, phone=wanted.phone or ""
        )
        answer = await self._call("Register", request, pb.RegisterResponse)
        return _signed_in(answer.account, answer.tokens)

    async def login(self, wanted: LoginInput) -> AuthPayload:
        """Login."""
        request = pb.LoginRequest(email=wanted.email, password=wanted.password)
        answer = await self._call("Login", request, pb.LoginResponse)
        return _signed_in(answer.account, answer.tokens)

    async def get(self, account_id: str) -> Account:
        """GetAccount."""
        request = pb.GetAccountRequest(account_id=account_id)
        return _account((await self._call("GetAccount", request, pb.GetAccountResponse)).account)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Account]:
        """BatchGetAccounts, by id."""
        request = pb.BatchGetAccountsRequest(account_ids=ids)
        answer = await self._call("BatchGetAccounts", request, pb.BatchGetAccountsResponse)
        return {found.id: _account(found) for found in answer.accounts}


def _account(message: account.Account) -> Account:
    return Account(
        id=strawberry.ID(message.id),
        name=message.name,
        email=message.email,
        email_verified=message.email_verified,
        phone=text_or_none(message.phone),
        role=Role[account.Role.Name(message.role).removeprefix("ROLE_")],
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )


def _signed_in(message: account.Account, tokens: account.Tokens) -> AuthPayload:
    return AuthPayload(
        account=_account(message),
        access_token=tokens.access_token,
        access_token_expires_at=instant(tokens.access_token_expire_time),
        refresh_token=tokens.refresh_token,
        refresh_token_expires_at=instant(tokens.refresh_token_expire_time),
    )
