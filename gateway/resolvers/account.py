"""Queries and mutations of accounts, and what belongs to an account."""

from functools import partial
from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.arguments import AboutOrder, AccountId
from gateway.types.account import (
    Account,
    AccountConnection,
    AuditEventConnection,
    AuthPayload,
    LoginInput,
    RegisterInput,
    Role,
    UpdateProfileInput,
)
from gateway.types.notification import NotificationConnection
from gateway.types.order import OrderConnection, OrderFilter
from kit.graphql import After, First, or_none, page_request, relation
from kit.values import ACCOUNT

NewPassword = Annotated[str, argument("8-72 bytes, used byte for byte; common passwords are rejected.")]
EmailedToken = Annotated[str, argument("The part of the emailed link that follows #token=.")]


@relation(Account, description="The account's orders, newest first.")
async def orders(
    self: Account,
    info: Info,
    filter: Annotated[OrderFilter | None, argument("Only orders that match.")] = None,
    first: First = 20,
    after: After = None,
) -> OrderConnection | None:
    """The order service allows the owner and ADMIN. First pages are loaded for all accounts of a request together."""
    peer, page = info.context.peers.order, page_request(info, first, after)
    if page.token:
        return await peer.list(self.id, filter, page)
    load = partial(peer.list_by_account, filter, page)
    return await info.context.load_page(f"orders {filter}", self.id, load, page)


@relation(Account, description="Notifications sent to the account, newest first.")
async def notifications(
    self: Account, info: Info, order_id: AboutOrder = None, first: First = 20, after: After = None
) -> NotificationConnection | None:
    """The notification service allows the owner and ADMIN. First pages are loaded for all accounts of a request together."""
    peer, page = info.context.peers.notification, page_request(info, first, after)
    if page.token:
        return await peer.list(self.id, order_id, page)
    load = partial(peer.list_by_account, order_id, page)
    return await info.context.load_page(f"notifications {order_id}", self.id, load, page)


@strawberry.type
class AccountQueries:
    """Accounts and the audit log."""

    @strawberry.field(description="The signed-in account; null when the request carries no token.")
    async def me(self, info: Info) -> Account | None:
        """Null also for an account that was deleted after the token was issued."""
        principal = info.context.principal
        if principal is None:
            return None
        return await or_none(info.context.peers.account.get(ACCOUNT.format(principal.account_id)))

    @strawberry.field(description="Owner or ADMIN.")
    async def account(self, info: Info, id: AccountId) -> Account | None:
        """One account."""
        return await or_none(info.context.peers.account.get(id))

    @strawberry.field(description="ADMIN. Accounts that are not deleted, newest first.")
    async def accounts(
        self,
        info: Info,
        query: Annotated[
            str | None,
            argument(
                "Prefixes of words in name, email and phone; all must match, ignoring case and accents. Or a phone "
                "number in any usual notation, or an id. Punctuation alone matches nothing. 0-200 characters."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AccountConnection | None:
        """All accounts."""
        return await info.context.peers.account.list(query, page_request(info, first, after))

    @strawberry.field(
        description="ADMIN. Security events and all changes by ADMIN, newest first: who, what, when and from where."
    )
    async def audit_events(
        self,
        info: Info,
        account_id: Annotated[strawberry.ID | None, argument("Only actions of this account.")] = None,
        subject_id: Annotated[
            strawberry.ID | None, argument("Only actions on this object; an id of any kind.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AuditEventConnection | None:
        """The audit log."""
        return await info.context.peers.account.audit(
            account_id, subject_id, page_request(info, first, after)
        )


@strawberry.type
class AccountMutations:
    """Authentication, and changes of accounts."""

    @strawberry.mutation(
        description="Creates an account and signs it in. A registered address fails with ALREADY_EXISTS, by design; strictly "
        "rate limited."
    )
    async def register(
        self, info: Info, input: Annotated[RegisterInput, argument("The new account.")]
    ) -> AuthPayload | None:
        """Register."""
        return await info.context.peers.account.register(input)

    @strawberry.mutation(
        description="Signs in. An unknown address and a wrong password give the same error. Only wrong passwords count: after 10 "
        "within 15 minutes for an account from one network, or from one known device (deviceToken), the error is RATE_LIMITED "
        "(reason LOGIN_THROTTLED)."
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, argument("The credentials.")]
    ) -> AuthPayload | None:
        """Login."""
        return await info.context.peers.account.login(input)

    @strawberry.mutation(
        description="Exchanges a refresh token for a new pair of tokens. Repeating the previous token within 10 s returns the same "
        "new pair (a lost response, a parallel tab); any later reuse revokes the session."
    )
    async def refresh_token(
        self, info: Info, refresh_token: Annotated[str, argument("From the latest AuthPayload.")]
    ) -> AuthPayload | None:
        """RefreshTokens."""
        return await info.context.peers.account.refresh(refresh_token)

    @strawberry.mutation(
        description="Revokes the session of the access token, or of the refresh token if one is passed."
    )
    async def logout(
        self,
        info: Info,
        refresh_token: Annotated[str | None, argument("A token of the session to revoke.")] = None,
    ) -> bool | None:
        """Logout."""
        await info.context.peers.account.logout(refresh_token)
        return True

    @strawberry.mutation(description="Changes name and phone of the signed-in account.")
    async def update_profile(
        self, info: Info, input: Annotated[UpdateProfileInput, argument("The changes.")]
    ) -> Account | None:
        """UpdateProfile."""
        return await info.context.peers.account.update_profile(input)

    @strawberry.mutation(
        description="Sets a new password. Revokes every session and every emailed link, and returns a new session."
    )
    async def change_password(
        self,
        info: Info,
        current_password: Annotated[
            str, argument("10 wrong ones in one session within 15 minutes fail with RATE_LIMITED.")
        ],
        new_password: NewPassword,
    ) -> AuthPayload | None:
        """ChangePassword."""
        return await info.context.peers.account.change_password(current_password, new_password)

    @strawberry.mutation(
        description="Emails a link to reset the password. Always true, whether or not the address is registered."
    )
    async def request_password_reset(
        self, info: Info, email: Annotated[str, argument("The account's address.")]
    ) -> bool | None:
        """RequestPasswordReset."""
        await info.context.peers.account.request_password_reset(email)
        return True

    @strawberry.mutation(
        description="Sets a new password. The token works once. Revokes every session and every other emailed link, and marks the "
        "address as verified; log in afterwards."
    )
    async def reset_password(self, info: Info, token: EmailedToken, new_password: NewPassword) -> bool | None:
        """ResetPassword."""
        await info.context.peers.account.reset_password(token, new_password)
        return True

    @strawberry.mutation(description="Emails a link to verify the account's address. Always true.")
    async def request_email_verification(self, info: Info) -> bool | None:
        """RequestEmailVerification."""
        await info.context.peers.account.request_email_verification()
        return True

    @strawberry.mutation(
        description="Marks the address as verified. The token works once; every other emailed link is revoked."
    )
    async def verify_email(self, info: Info, token: EmailedToken) -> Account | None:
        """VerifyEmail."""
        return await info.context.peers.account.verify_email(token)

    @strawberry.mutation(
        description="Deletes the signed-in account. Cancels PENDING orders; fails with FAILED_PRECONDITION while an order is "
        "CONFIRMED or SHIPPED. Cannot be undone: personal data is erased, orders remain."
    )
    async def delete_account(
        self,
        info: Info,
        password: Annotated[
            str | None,
            argument("Proves that the owner is asking. Required, except for guests, who have none."),
        ] = None,
    ) -> bool | None:
        """DeleteAccount."""
        await info.context.peers.account.delete(password)
        return True

    @strawberry.mutation(description="ADMIN. Deletes another account, as deleteAccount does.")
    async def erase_account(
        self,
        info: Info,
        account_id: AccountId,
        reason: Annotated[
            str, argument("For the audit log, 1-500 characters; must not contain personal data.")
        ],
    ) -> bool | None:
        """EraseAccount."""
        await info.context.peers.account.erase(account_id, reason)
        return True

    @strawberry.mutation(
        description="ADMIN. Changes an account's role. The last ADMIN cannot lose it (reason LAST_ADMIN)."
    )
    async def set_account_role(
        self, info: Info, account_id: AccountId, role: Annotated[Role, argument("The new role.")]
    ) -> Account | None:
        """SetAccountRole."""
        return await info.context.peers.account.set_role(account_id, role)
