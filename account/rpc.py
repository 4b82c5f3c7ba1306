"""AccountService: message in, use case, message out. Nothing is decided here but who may ask."""

from souk.account.v1 import account_pb2, account_service_pb2
from souk.account.v1 import account_service_pb2 as pb

from account.messages import ROLES, account_to_proto
from account.use_cases import Accounts, SignedIn
from kit.auth import TokenVerifier
from kit.errors import InvalidArgument, Violation
from kit.rpc import Call
from kit.values import ACCOUNT, timestamp_to_proto

_BATCH_MOST = 100


class AccountRpc:
    """The servicer."""

    service = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]

    def __init__(self, accounts: Accounts, verifier: TokenVerifier) -> None:
        self._accounts = accounts
        self._verifier = verifier

    async def register(self, request: pb.RegisterRequest, call: Call) -> pb.RegisterResponse:
        """Open to all."""
        signed_in = await self._accounts.register(
            name=request.name,
            email=request.email,
            phone=request.phone,
            password=request.password,
            address=call.address,
        )
        return pb.RegisterResponse(account=account_to_proto(signed_in.account), tokens=_tokens(signed_in))

    async def login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Open to all."""
        signed_in = await self._accounts.login(
            email=request.email, password=request.password, address=call.address
        )
        return pb.LoginResponse(account=account_to_proto(signed_in.account), tokens=_tokens(signed_in))

    async def get_account(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """For the owner and ADMIN."""
        caller = call.account()
        account_id = ACCOUNT.parse(request.account_id, "account_id")
        return pb.GetAccountResponse(account=account_to_proto(await self._accounts.get(account_id, caller)))

    async def batch_get_accounts(
        self, request: pb.BatchGetAccountsRequest, call: Call
    ) -> pb.BatchGetAccountsResponse:
        """Those that the caller may see."""
        caller = call.account()
        if len(request.account_ids) > _BATCH_MOST:
            rule = f"must name at most {_BATCH_MOST}"
            raise InvalidArgument(f"account_ids: {rule}", fields=[Violation(("account_ids",), rule)])
        ids = [ACCOUNT.parse(text, "account_ids", index) for index, text in enumerate(request.account_ids)]
        found = await self._accounts.get_many(ids, caller)
        return pb.BatchGetAccountsResponse(accounts=map(account_to_proto, found))

    async def verify_token(self, request: pb.VerifyTokenRequest, call: Call) -> pb.VerifyTokenResponse:
        """For other services: the token says who it is about."""
        principal = await self._verifier.verify(request.access_token)
        role = await self._accounts.current_role(principal)
        return pb.VerifyTokenResponse(account_id=ACCOUNT.format(principal.account_id), role=ROLES[role])


def _tokens(signed_in: SignedIn) -> account_pb2.Tokens:
    return account_pb2.Tokens(
        access_token=signed_in.access_token,
        access_token_expire_time=timestamp_to_proto(signed_in.access_token_expire_time),
        refresh_token=signed_in.refresh_token,
        refresh_token_expire_time=timestamp_to_proto(signed_in.refresh_token_expire_time),
    )
