"""What is asked about accounts, and how they are signed in, changed, deleted; part of the roots."""

from typing import Annotated

import strawberry

from gateway.context import Info, selects
from gateway.schema.account import (
    Account,
    AccountConnection,
    AuditEventConnection,
    AuthPayload,
    LoginInput,
    RegisterInput,
    Role,
    UpdateProfileInput,
)
from gateway.schema.paging import After, First
from kit.errors import NotFound
from kit.values import ACCOUNT

AccountId = Annotated[strawberry.ID, strawberry.argument(description="Begins with acc_.")]
NewPassword = Annotated[
    str, strawberry.argument(description="8-72 bytes, taken byte for byte; the commonest are refused.")
]
MailedToken = Annotated[str, strawberry.argument(description="Of the mailed link: what follows #token=.")]


@strawberry.type
class AccountQueries:
    """Reads of accounts and their audit."""

    @strawberry.field(description="The signed-in account; null when the request carries no token.")
    async def me(self, info: Info) -> Account | None:
        """The account of the token."""
        principal = info.context.principal
        if principal is None:
            return None
        try:
            return await info.context.peers.account.get(ACCOUNT.format(principal.account_id))
        except NotFound:
            return None

    @strawberry.field(description="Owner or ADMIN.")
    async def account(self, info: Info, id: AccountId) -> Account | None:
        """An account."""
        try:
            return await info.context.peers.account.get(id)
        except NotFound:
            return None

    @strawberry.field(description="ADMIN. Living accounts.")
    async def accounts(
        self,
        info: Info,
        query: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of words of name, email and phone, all of which must be found, whatever their case and accents; "
                "a telephone number as people write it; or an id. Signs alone find nothing. 0-200 characters."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AccountConnection | None:
        """Accounts, newest first."""
        count = selects(info, "totalCount")
        return await info.context.peers.account.list(query, first, after, count)

    @strawberry.field(
        description="ADMIN. Security events and every ADMIN write: who, what, when, from where."
    )
    async def audit_events(
        self,
        info: Info,
        account_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only what this account did.")
        ] = None,
        subject_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only what was done to this; an id of any kind."),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> AuditEventConnection | None:
        """The audit log, newest first."""
        count = selects(info, "totalCount")
        return await info.context.peers.account.audit(account_id, subject_id, first, after, count)


@strawberry.type
class AccountMutations:
    """Signing in and out, and what becomes of accounts."""

    @strawberry.mutation(description="A taken address is ALREADY_EXISTS, knowingly; strictly rate limited.")
    async def register(
        self, info: Info, input: Annotated[RegisterInput, strawberry.argument(description="The account.")]
    ) -> AuthPayload | None:
        """Makes an account and signs it in."""
        return await info.context.peers.account.register(input)

    @strawberry.mutation(
        description="An unknown address and a wrong password are answered alike. Only wrong passwords count: 10 within 15 minutes for an "
        "account from one network, or from one known device (deviceToken), are RATE_LIMITED (reason LOGIN_THROTTLED)."
    )
    async def login(
        self, info: Info, input: Annotated[LoginInput, strawberry.argument(description="The credentials.")]
    ) -> AuthPayload | None:
        """Signs in."""
        return await info.context.peers.account.login(input)

    @strawberry.mutation(
        description="Rotates. The immediately previous token repeated within 10 s gets the same successor again (a lost "
        "answer, a parallel tab); any later reuse ends the family."
    )
    async def refresh_token(
        self,
        info: Info,
        refresh_token: Annotated[str, strawberry.argument(description="Of the latest AuthPayload.")],
    ) -> AuthPayload | None:
        """A new pair of tokens."""
        return await info.context.peers.account.refresh(refresh_token)

    @strawberry.mutation(
        description="Ends the session of the access token, or of the refresh token when one is given."
    )
    async def logout(
        self,
        info: Info,
        refresh_token: Annotated[
            str | None, strawberry.argument(description="A token of the session that ends.")
        ] = None,
    ) -> bool | None:
        """Signs out."""
        await info.context.peers.account.logout(refresh_token)
        return True

    @strawberry.mutation(description="Changes the signed-in account.")
    async def update_profile(
        self,
        info: Info,
        input: Annotated[UpdateProfileInput, strawberry.argument(description="What changes.")],
    ) -> Account | None:
        """Changes name and phone."""
        info.context.forget()
        return await info.context.peers.account.update_profile(input)

    @strawberry.mutation(
        description="Ends every session and every mailed link, and answers with a new session."
    )
    async def change_password(
        self,
        info: Info,
        current_password: Annotated[
            str,
            strawberry.argument(description="10 wrong ones of a session within 15 minutes are RATE_LIMITED."),
        ],
        new_password: NewPassword,
    ) -> AuthPayload | None:
        """Sets a new password, knowing the old one."""
        return await info.context.peers.account.change_password(current_password, new_password)

    @strawberry.mutation(
        description="Always true, whether or not the address is known; the link goes out by email."
    )
    async def request_password_reset(
        self, info: Info, email: Annotated[str, strawberry.argument(description="The account's address.")]
    ) -> bool | None:
        """Mails a link."""
        await info.context.peers.account.request_password_reset(email)
        return True

    @strawberry.mutation(
        description="Single use. Ends every session and every other mailed link, and marks the address verified; then log in."
    )
    async def reset_password(self, info: Info, token: MailedToken, new_password: NewPassword) -> bool | None:
        """Sets a new password, knowing a mailed token."""
        await info.context.peers.account.reset_password(token, new_password)
        return True

    @strawberry.mutation(description="Always true.")
    async def request_email_verification(self, info: Info) -> bool | None:
        """Mails a link."""
        await info.context.peers.account.request_email_verification()
        return True

    @strawberry.mutation(
        description="Single use. Marks the address as proven, and ends every other mailed link."
    )
    async def verify_email(self, info: Info, token: MailedToken) -> Account | None:
        """Proves an address."""
        info.context.forget()
        return await info.context.peers.account.verify_email(token)

    @strawberry.mutation(
        description="Cancels PENDING orders; FAILED_PRECONDITION while one is CONFIRMED or SHIPPED. Not undoable: personal "
        "data goes, orders stay."
    )
    async def delete_account(
        self,
        info: Info,
        password: Annotated[str, strawberry.argument(description="So that it is the owner who asks.")],
    ) -> bool | None:
        """Deletes the caller's account."""
        info.context.forget()
        await info.context.peers.account.delete(password)
        return True

    @strawberry.mutation(description="ADMIN: deleteAccount on request.")
    async def erase_account(
        self,
        info: Info,
        account_id: AccountId,
        reason: Annotated[
            str, strawberry.argument(description="For the audit, 1-500 characters; it should name nobody.")
        ],
    ) -> bool | None:
        """Deletes somebody's account."""
        info.context.forget()
        await info.context.peers.account.erase(account_id, reason)
        return True

    @strawberry.mutation(description="ADMIN. The last ADMIN keeps the role (reason LAST_ADMIN).")
    async def set_account_role(
        self,
        info: Info,
        account_id: AccountId,
        role: Annotated[Role, strawberry.argument(description="What it may do from now on.")],
    ) -> Account | None:
        """Gives an account another role."""
        info.context.forget()
        return await info.context.peers.account.set_role(account_id, role)
