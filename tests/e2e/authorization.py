"""Who may do what: a row for every operation, and for every field with a rule of its own. A field of the schema without a row fails.

<account>, <order>, <payment> and <product> stand for the owner's; <fresh_...> for one that nobody used before; <email>, <key> for new ones.
"""

from __future__ import annotations

from dataclasses import dataclass

# Answered with a value; answered null without an error. Anything else is an error's code.
OK, NULL = "ok", "null"
ANYBODY, OWNER, OTHER, ADMIN = "anonymous", "owner", "other", "admin"
CALLERS = (ANYBODY, OTHER, OWNER, ADMIN)
_LOGGED_OUT, _FORBIDDEN = "UNAUTHENTICATED", "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Row:
    """What each caller is answered; `at` is the value in question, the root field unless said; `alone`: the caller is used up."""

    document: str
    anonymous: str
    other: str
    owner: str
    admin: str
    at: str = ""
    alone: bool = False

    def expected(self, caller: str) -> str:
        """Of one of CALLERS."""
        return {ANYBODY: self.anonymous, OTHER: self.other, OWNER: self.owner, ADMIN: self.admin}[caller]


def _public(document: str, at: str = "") -> Row:
    return Row(document, OK, OK, OK, OK, at)


def _admin(document: str) -> Row:
    return Row(document, _LOGGED_OUT, _FORBIDDEN, _FORBIDDEN, OK)


def _signed_in(document: str, *, alone: bool = False) -> Row:
    return Row(document, _LOGGED_OUT, OK, OK, OK, alone=alone)


def _same(document: str, answer: str) -> Row:
    """A token in the arguments says what may be done, whoever asks."""
    return Row(document, answer, answer, answer, answer)


def _owned(document: str, at: str = "", other: str = NULL) -> Row:
    return Row(document, _LOGGED_OUT, other, OK, OK, at)


_PRICED = 'name: "Thing", description: "A thing", price: 5.00'
_BUYING = 'products: [{id: "<product>", quantity: 1}]'

MATRIX = {
    "Query.me": Row("{ me { id } }", NULL, OK, OK, OK),
    "Query.account": _owned('{ account(id: "<account>") { id } }'),
    "Query.accounts": _admin("{ accounts(first: 1) { nodes { id } } }"),
    "Query.product": _public('{ product(id: "<product>") { id } }'),
    "Query.products": _public("{ products(first: 1) { nodes { id } } }"),
    "Query.productSuggestions": _public('{ productSuggestions(prefix: "t") }'),
    "Query.categories": _public("{ categories { id } }"),
    "Query.order": _owned('{ order(id: "<order>") { id } }'),
    "Query.orders": _admin("{ orders(first: 1) { nodes { id } } }"),
    "Query.payment": _owned('{ payment(id: "<payment>") { id } }'),
    "Query.notifications": _admin("{ notifications(first: 1) { nodes { id } } }"),
    "Query.auditEvents": _admin("{ auditEvents(first: 1) { nodes { id } } }"),
    "Mutation.register": _public(
        'mutation { register(input: {name: "A", email: "<email>", password: "SecurePass123!"}) { accessToken } }'
    ),
    "Mutation.login": _same(
        'mutation { login(input: {email: "<email>", password: "SecurePass123!"}) { accessToken } }',
        _LOGGED_OUT,
    ),
    "Mutation.refreshToken": _same(
        'mutation { refreshToken(refreshToken: "guessed") { accessToken } }', _LOGGED_OUT
    ),
    "Mutation.logout": _signed_in("mutation { logout }", alone=True),
    "Mutation.updateProfile": _signed_in('mutation { updateProfile(input: {name: "Jo"}) { id } }'),
    "Mutation.changePassword": _signed_in(
        'mutation { changePassword(currentPassword: "SecurePass123!", newPassword: "SecurePass124!") { accessToken } }',
        alone=True,
    ),
    "Mutation.requestPasswordReset": _public('mutation { requestPasswordReset(email: "<email>") }'),
    "Mutation.resetPassword": _same(
        'mutation { resetPassword(token: "guessed", newPassword: "SecurePass124!") }', "BAD_USER_INPUT"
    ),
    "Mutation.requestEmailVerification": _signed_in("mutation { requestEmailVerification }"),
    "Mutation.verifyEmail": _same('mutation { verifyEmail(token: "guessed") { id } }', "BAD_USER_INPUT"),
    "Mutation.deleteAccount": _signed_in(
        'mutation { deleteAccount(password: "SecurePass123!") }', alone=True
    ),
    "Mutation.eraseAccount": _admin(
        'mutation { eraseAccount(accountId: "<fresh_account>", reason: "asked for") }'
    ),
    "Mutation.setAccountRole": _admin(
        'mutation { setAccountRole(accountId: "<fresh_account>", role: USER) { id } }'
    ),
    "Mutation.createProduct": _admin(f"mutation {{ createProduct(input: {{{_PRICED}}}) {{ id }} }}"),
    "Mutation.updateProduct": _admin(
        'mutation { updateProduct(id: "<product>", input: {description: "Another"}) { id } }'
    ),
    "Mutation.deleteProduct": _admin('mutation { deleteProduct(id: "<fresh_product>") { id } }'),
    "Mutation.adjustStock": _admin(
        'mutation { adjustStock(productId: "<product>", delta: 1, idempotencyKey: "<key>") { id } }'
    ),
    "Mutation.setStock": _admin('mutation { setStock(productId: "<fresh_product>", stock: 7) { id } }'),
    "Mutation.createOrder": _owned(
        f'mutation {{ createOrder(input: {{accountId: "<account>", {_BUYING}}}) {{ id }} }}', other=_FORBIDDEN
    ),
    "Mutation.cancelOrder": _owned('mutation { cancelOrder(id: "<fresh_order>") { id } }', other="NOT_FOUND"),
    "Mutation.updateOrderStatus": _admin(
        'mutation { updateOrderStatus(id: "<fresh_order>", status: SHIPPED) { id } }'
    ),
    "Mutation.refundPayment": _admin(
        'mutation { refundPayment(paymentId: "<fresh_payment>", amount: 1.00, idempotencyKey: "<key>") { id } }'
    ),
    "Subscription.orderUpdated": _owned(
        'subscription { orderUpdated(id: "<order>") { id } }', other="NOT_FOUND"
    ),
    # Fields that another service answers than their parent, and those that not everybody sees who sees their parent.
    "Account.orders": _owned(
        '{ account(id: "<account>") { orders(first: 1) { nodes { id } } } }', "account.orders"
    ),
    "Account.notifications": _owned(
        '{ account(id: "<account>") { notifications(first: 1) { nodes { id } } } }', "account.notifications"
    ),
    "Order.account": _owned('{ order(id: "<order>") { account { id } } }', "order.account"),
    "Order.payment": _owned('{ order(id: "<order>") { payment { id } } }', "order.payment"),
    "Order.notifications": _owned('{ order(id: "<order>") { notifications { id } } }', "order.notifications"),
    "OrderLine.product": _owned(
        '{ order(id: "<order>") { lines { product { id } } } }', "order.lines.0.product"
    ),
    "Product.stock": Row('{ product(id: "<product>") { stock } }', NULL, NULL, NULL, OK, "product.stock"),
    "OrderStatusChange.internalNote": Row(
        '{ order(id: "<shipped>") { history { internalNote } } }',
        _LOGGED_OUT,
        NULL,
        NULL,
        OK,
        "order.history.2.internalNote",
    ),
}
