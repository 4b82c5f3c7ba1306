"""AccountService, composed of the aggregates' RPCs."""

from souk.account.v1 import account_service_pb2, guest_service_pb2

from account.accounts.rpc import AccountsRpc
from account.audit.rpc import AuditRpc
from account.credentials.rpc import CredentialsRpc
from account.guests.ports import GuestTokenVerifier
from account.guests.rpc import GuestsRpc
from account.links.rpc import LinksRpc, OrderLinksRpc
from account.search.rpc import SearchRpc
from account.sessions.rpc import SessionsRpc
from account.use_cases import UseCases
from kit.auth import TokenVerifier
from kit.rpc import ComposedServicer


class AccountServiceRpc(ComposedServicer):
    """souk.account.v1.AccountService: each aggregate serves its own methods."""

    service = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]

    def __init__(self, use_cases: UseCases, verifier: TokenVerifier) -> None:
        super().__init__(
            AccountsRpc(use_cases.accounts, use_cases.roles, use_cases.deletions),
            AuditRpc(use_cases.audit),
            CredentialsRpc(use_cases.registrations, use_cases.logins, use_cases.password_changes),
            LinksRpc(use_cases.reset_requests, use_cases.resets, use_cases.verifications),
            SearchRpc(use_cases.search),
            SessionsRpc(use_cases.sessions, verifier),
        )


class GuestRpc(ComposedServicer):
    """souk.account.v1.GuestService."""

    service = guest_service_pb2.DESCRIPTOR.services_by_name["GuestService"]

    def __init__(self, use_cases: UseCases, verifier: GuestTokenVerifier) -> None:
        super().__init__(
            GuestsRpc(use_cases.guest_starts, use_cases.guest_contacts, use_cases.guest_merges, verifier),
            OrderLinksRpc(use_cases.order_links, use_cases.order_link_requests),
        )
