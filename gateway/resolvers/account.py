"""Queries and mutations of accounts, and what belongs to an account."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import strawberry

from gateway.context import Info, selects
from gateway.resolvers.arguments import AboutOrder, AccountId, After, First
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
from kit.errors import NotFound
from kit.graphql import relation
from kit.values import ACCOUNT

NewPassword = Annotated[
    str, strawberry.argument(description="8-72 bytes, used byte for byte; common passwords are rejected.")
]
EmailedToken = Annotated[
    str, strawberry.argument(description="The part of the emailed link that follows #token=.")
]


@relation(Account, description="The account's orders, newest first.")
async def orders(
    self: Account,
    info: Info,
    filter: Annotated[OrderFilter | None, strawberry.argument(description="Only orders that match.")] = None,
    first: First = 20,
    after: After = None,
) -> OrderConnection | None:
    """The order service allows the owner and ADMIN. First pages are loaded for all accounts of a request together."""
    context, count = info.context, selects(info, "totalCount")
    if after:
        return await context.peers.order.list(self.id, filter, first, after, count)

    async def load(ids: Sequence[str]) -> Mapping[str, OrderConnection]:
        return await context.peers.order.list_by_account(ids, filter, first, count)

    return await context.load_page(f"orders {filter} {first} {count}", self.id, load, first)


@relation(Account, description="Notifications sent to the account, newest first.")
async def notifications(
    self: Account,
    info: Info,
    order_id: AboutOrder = None,
    first: First = 20,
    after: After = None,
) -> NotificationConnection | None:
    """The notification service allows the owner and ADMIN. First pages are loaded for all accounts of a request together."""
    context, count = info.context, selects(info, "totalCount")
    if after:
        return await context.peers.notification.list(self.id, order_id, first, after, count)

    async def load(ids: Sequence[str]) -> Mapping[str, NotificationConnection]:
        return await context.peers.notification.list_by_account(ids, order_id, first, count)

    return await context.load_page(f"notifications {order_id} {first} {count}", self.id, load, first)


@strawberry.type
class AccountQueries:
    """Accounts and the audit log."""

    @strawberry.field(description="The signed-in account; null when the request carries no token.")
    async def me(self, info: Info) -> Account | None:
        """Null also for an account that was deleted after the token was issued."""
        principal = info.context.principal
        if principal is None:
            return None
        try:
            return await info.context.peers.account.get(ACCOUNT.format(principal.account_id))
        except NotFound:
            return None

    @strawberry.field(description="Owner or ADMIN.")
    async def account(self, info: Info, id: AccountId) -> Account | None:
        """One account."""
        try:
            return await info.context.peers.account.get(id)
        except NotFound:
            return None

    @strawberry.field(description="ADMIN. Accounts that are not deleted, newest first.")
    async def accounts(
        self,
        info: Info,
        query: Annotated[
            str | None,
            strawberry.argument(
                description="Prefixes of words in name, email and phone; all must match, ignoring case and accents. Or a phone "
                "number in any usual notation, or an id. Punctuation alone matches nothing. 0-200 characters."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AccountConnection | None:
        """All accounts."""
        count = selects(info, "totalCount")
        return await info.context.peers.account.list(query, first, after, count)

    @strawberry.field(
        description="ADMIN. Security events and all changes by ADMIN, newest first: who, what, when and from where."
    )
    async def audit_events(
        self,
        info: Info,
        account_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only actions of this account.")
        ] = None,
        subject_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only actions on this object; an id of any kind."),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AuditEventConnection | None:
        """The audit log."""
        count = selects(info, "totalCount")
        return await info.context.peers.account.audit(account_id, subject_id, first, after, count)


@strawberry.type
class AccountMutations:
    """Authentication, and changes of accounts."""

    @strawberry.mutation(
        description="Creates an account and signs it in. A registered address fails with ALREADY_EXISTS, by design; strictly "
        "rate limited."
    )
    async def register(
        self,
        info: Info,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> AuthPayload | None:
        """Register."""
        return await info.context.peers.account.register(input)

    @strawberry.mutation(
        description="Signs in. An unknown address and a wrong password give the same error. Only wrong passwords count: after 10 "
        "within 15 minutes for an account from one network, or from one known device (deviceToken), the error is RATE_LIMITED "
        "(reason LOGIN_THROTTLED)."
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="The credentials.")]
    ) -> AuthPayload | None:
        """Login."""
        return await info.context.peers.account.login(input)

    @strawberry.mutation(
        description="Exchanges a refresh token for a new pair of tokens. Repeating the previous token within 10 s returns the same "
        "new pair (a lost response, a parallel tab); any later reuse revokes the session."
    )
    async def refresh_token(
        self,
        info: Info,
        refresh_token: Annotated[str, strawberry.argument(description="From the latest AuthPayload.")],
    ) -> AuthPayload | None:
        """RefreshTokens."""
        return await info.context.peers.account.refresh(refresh_token)

    @strawberry.mutation(
        description="Revokes the session of the access token, or of the refresh token if one is passed."
    )
    async def logout(
        self,
        info: Info,
        refresh_token: Annotated[
            str | None, strawberry.argument(description="A token of the session to revoke.")
        ] = None,
    ) -> bool | None:
        """Logout."""
        await info.context.peers.account.logout(refresh_token)
        return True

    @strawberry.mutation(description="Changes name and phone of the signed-in account.")
    async def update_profile(
        self,
        info: Info,
        input: Annotated[UpdateProfileInput, strawberry.argument(description="The changes.")],
    ) -> Account | None:
        """UpdateProfile."""
        info.context.clear_loaders()
        return await info.context.peers.account.update_profile(input)

    @strawberry.mutation(
        description="Sets a new password. Revokes every session and every emailed link, and returns a new session."
    )
    async def change_password(
        self,
        info: Info,
        current_password: Annotated[
            str,
            strawberry.argument(
                description="10 wrong ones in one session within 15 minutes fail with RATE_LIMITED."
            ),
        ],
        new_password: NewPassword,
    ) -> AuthPayload | None:
        """ChangePassword."""
        return await info.context.peers.account.change_password(current_password, new_password)

    @strawberry.mutation(
        description="Emails a link to reset the password. Always true, whether or not the address is registered."
    )
    async def request_password_reset(
        self, info: Info, email: Annotated[str, strawberry.argument(description="The account's address.")]
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
        info.context.clear_loaders()
        return await info.context.peers.account.verify_email(token)

    @strawberry.mutation(
        description="Deletes the signed-in account. Cancels PENDING orders; fails with FAILED_PRECONDITION while an order is "
        "CONFIRMED or SHIPPED. Cannot be undone: personal data is erased, orders remain."
    )
    async def delete_account(
        self,
        info: Info,
        password: Annotated[str, strawberry.argument(description="Proves that the owner is asking.")],
    ) -> bool | None:
        """DeleteAccount."""
        info.context.clear_loaders()
        await info.context.peers.account.delete(password)
        return True

    @strawberry.mutation(description="ADMIN. Deletes another account, as deleteAccount does.")
    async def erase_account(
        self,
        info: Info,
        account_id: AccountId,
        reason: Annotated[
            str,
            strawberry.argument(
                description="For the audit log, 1-500 characters; must not contain personal data."
            ),
        ],
    ) -> bool | None:
        """EraseAccount."""
        info.context.clear_loaders()
        await info.context.peers.account.erase(account_id, reason)
        return True

    @strawberry.mutation(
        description="ADMIN. Changes an account's role. The last ADMIN cannot lose it (reason LAST_ADMIN)."
    )
    async def set_account_role(
        self,
        info: Info,
        account_id: AccountId,
        role: Annotated[Role, strawberry.argument(description="The new role.")],
    ) -> Account | None:
        """SetAccountRole."""
        info.context.clear_loaders()
        return await info.context.peers.account.set_role(account_id, role)
