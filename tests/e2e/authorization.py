"""The access matrix: a row for every operation, and for every field with its own rule. A field of the schema without a row fails a test.

<account>, <order>, <payment> and <product> are replaced by the owner's ids, <fresh_...> by the id of a new one, <email> and <key> by random
ones.
"""

from __future__ import annotations

from dataclasses import dataclass

# A value; null without an error. Any other outcome is an error code.
OK, NULL = "ok", "null"
ANONYMOUS, GUEST, OWNER, OTHER, ADMIN = "anonymous", "guest", "owner", "other", "admin"
CALLERS = (ANONYMOUS, GUEST, OTHER, OWNER, ADMIN)
_UNAUTHENTICATED, _FORBIDDEN = "UNAUTHENTICATED", "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Row:
    """The outcome for every caller.

    `path`: the value in question, by default the root field. `consumes_caller`: the caller cannot be used again. `guest`: the outcome for a
    guest, by default that of another account.
    """

    document: str
    anonymous: str
    other: str
    owner: str
    admin: str
    path: str = ""
    consumes_caller: bool = False
    guest: str = ""

    def expected(self, caller: str) -> str:
        """The outcome for one of CALLERS."""
        guest = self.guest or self.other
        outcomes = {ANONYMOUS: self.anonymous, OTHER: self.other, OWNER: self.owner, ADMIN: self.admin}
        return {**outcomes, GUEST: guest}[caller]


def _public(document: str, path: str = "") -> Row:
    return Row(document, OK, OK, OK, OK, path)


def _admin(document: str) -> Row:
    return Row(document, _UNAUTHENTICATED, _FORBIDDEN, _FORBIDDEN, OK)


def _logged_in(document: str, *, consumes_caller: bool = False, guest: str = OK) -> Row:
    return Row(document, _UNAUTHENTICATED, OK, OK, OK, consumes_caller=consumes_caller, guest=guest)


def _same(document: str, outcome: str) -> Row:
    """A token in the arguments decides, not the caller."""
    return Row(document, outcome, outcome, outcome, outcome)


def _owned(document: str, path: str = "", other: str = NULL) -> Row:
    return Row(document, _UNAUTHENTICATED, other, OK, OK, path)


_PRODUCT_FIELDS = 'name: "Thing", description: "A thing", price: 5.00'
ADDRESS = 'name: "A", line1: "1 High Street", city: "London", postalCode: "N1 9GU", countryCode: "GB"'
_LINES = 'products: [{id: "<product>", quantity: 1}]'

MATRIX = {
    "Query.me": Row("{ me { id } }", NULL, OK, OK, OK),
    "Query.account": _owned('{ account(id: "<account>") { id } }'),
    "Query.accounts": _admin("{ accounts(first: 1) { nodes { id } } }"),
    "Query.product": _public('{ product(id: "<product>") { id } }'),
    "Query.variant": _public('{ variant(id: "<variant>") { id } }'),
    "Query.products": _public("{ products(first: 1) { nodes { id } } }"),
    "Query.productSuggestions": _public('{ productSuggestions(prefix: "t") }'),
    "Query.categories": _public("{ categories { id } }"),
    "Query.order": _owned('{ order(id: "<order>") { id } }'),
    "Query.orders": _admin("{ orders(first: 1) { nodes { id } } }"),
    # A caller may have no cart, so another field shows that there was no error.
    "Query.cart": Row("{ cart { id } me { id } }", _UNAUTHENTICATED, OK, OK, OK, "me"),
    "Query.shop": _public("{ shop { pricesIncludeTax } }"),
    "Query.shippingMethods": _public('{ shippingMethods(countryCode: "AQ") { id } }'),
    "Query.shippingZones": _admin("{ shippingZones(first: 1) { nodes { id } } }"),
    "Query.taxRates": _admin('{ taxRates(countryCode: "AQ") { version } }'),
    "Query.payment": _owned('{ payment(id: "<payment>") { id } }'),
    "Query.notifications": _admin("{ notifications(first: 1) { nodes { id } } }"),
    "Query.auditEvents": _admin("{ auditEvents(first: 1) { nodes { id } } }"),
    "Mutation.register": _public(
        'mutation { register(input: {name: "A", email: "<email>", password: "SecurePass123!"}) { accessToken } }'
    ),
    "Mutation.login": _same(
        'mutation { login(input: {email: "<email>", password: "SecurePass123!"}) { accessToken } }',
        _UNAUTHENTICATED,
    ),
    "Mutation.refreshToken": _same(
        'mutation { refreshToken(refreshToken: "guessed") { accessToken } }', _UNAUTHENTICATED
    ),
    "Mutation.logout": _logged_in("mutation { logout }", consumes_caller=True),
    "Mutation.updateProfile": _logged_in(
        'mutation { updateProfile(input: {name: "Jo"}) { id } }', guest=_FORBIDDEN
    ),
    "Mutation.changePassword": _logged_in(
        'mutation { changePassword(currentPassword: "SecurePass123!", newPassword: "SecurePass124!") { accessToken } }',
        consumes_caller=True,
        guest=_FORBIDDEN,
    ),
    "Mutation.startGuest": _public("mutation { startGuest { accessToken } }"),
    "Mutation.openOrderLink": _same(
        'mutation { openOrderLink(token: "guessed") { accessToken } }', "BAD_USER_INPUT"
    ),
    "Mutation.requestOrderLink": _public('mutation { requestOrderLink(number: "1001", email: "<email>") }'),
    "Mutation.createAddress": _logged_in(
        f"mutation {{ createAddress(input: {{address: {{{ADDRESS}}}}}) {{ id }} }}", guest=_FORBIDDEN
    ),
    "Mutation.updateAddress": Row(
        'mutation { updateAddress(id: "<address>", input: {defaultBilling: true}) { id } }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
        guest=_FORBIDDEN,
    ),
    "Mutation.deleteAddress": Row(
        'mutation { deleteAddress(id: "<fresh_address>") }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
        guest=_FORBIDDEN,
    ),
    "Mutation.requestPasswordReset": _public('mutation { requestPasswordReset(email: "<email>") }'),
    "Mutation.resetPassword": _same(
        'mutation { resetPassword(token: "guessed", newPassword: "SecurePass124!") }', "BAD_USER_INPUT"
    ),
    "Mutation.requestEmailVerification": _logged_in(
        "mutation { requestEmailVerification }", guest=_FORBIDDEN
    ),
    "Mutation.verifyEmail": _same('mutation { verifyEmail(token: "guessed") { id } }', "BAD_USER_INPUT"),
    "Mutation.deleteAccount": _logged_in(
        'mutation { deleteAccount(password: "SecurePass123!") }', consumes_caller=True
    ),
    "Mutation.eraseAccount": _admin(
        'mutation { eraseAccount(accountId: "<fresh_account>", reason: "requested by its owner") }'
    ),
    "Mutation.setAccountRole": _admin(
        'mutation { setAccountRole(accountId: "<fresh_account>", role: USER) { id } }'
    ),
    "Mutation.createProduct": _admin(f"mutation {{ createProduct(input: {{{_PRODUCT_FIELDS}}}) {{ id }} }}"),
    "Mutation.updateProduct": _admin(
        'mutation { updateProduct(id: "<product>", input: {description: "Another"}) { id } }'
    ),
    "Mutation.deleteProduct": _admin('mutation { deleteProduct(id: "<fresh_product>") { id } }'),
    "Mutation.setVariants": _admin(
        'mutation { setVariants(productId: "<fresh_product>", options: [{name: "Size", values: ["S"]}], '
        'variants: [{options: [{name: "Size", value: "S"}], price: 5.00}]) { id } }'
    ),
    "Mutation.updateVariant": _admin(
        'mutation { updateVariant(id: "<variant>", input: {weightGrams: 250}) { id } }'
    ),
    "Mutation.adjustStock": _admin(
        'mutation { adjustStock(productId: "<product>", delta: 1, idempotencyKey: "<key>") { id } }'
    ),
    "Mutation.setStock": _admin('mutation { setStock(productId: "<fresh_product>", stock: 7) { id } }'),
    "Mutation.addToCart": _logged_in(
        'mutation { addToCart(lines: [{id: "<product>", quantity: 1}]) { id } }'
    ),
    "Mutation.setCartLine": Row(
        'mutation { setCartLine(id: "cli_00000000000000000000000001", quantity: 1) { id } }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        "NOT_FOUND",
        "NOT_FOUND",
    ),
    "Mutation.updateCart": _logged_in('mutation { updateCart(input: {note: "Ring twice"}) { id } }'),
    "Mutation.mergeCart": Row(
        'mutation { mergeCart(guestToken: "guessed") { id } }',
        _UNAUTHENTICATED,
        "BAD_USER_INPUT",
        "BAD_USER_INPUT",
        "BAD_USER_INPUT",
        guest=_FORBIDDEN,
    ),
    "Mutation.checkout": Row(
        "mutation { checkout(input: {<fresh_cart>}) { id } }",
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
    ),
    "Mutation.createOrder": _owned(
        f'mutation {{ createOrder(input: {{accountId: "<account>", {_LINES}}}) {{ id }} }}', other=_FORBIDDEN
    ),
    "Mutation.cancelOrder": _owned('mutation { cancelOrder(id: "<fresh_order>") { id } }', other="NOT_FOUND"),
    "Mutation.updateOrderStatus": _admin(
        'mutation { updateOrderStatus(id: "<fresh_order>", status: SHIPPED) { id } }'
    ),
    # Rules of a country without prices and without methods: orders of other tests cost what they did.
    "Mutation.setTaxRates": _admin('mutation { setTaxRates(countryCode: "AQ", rates: []) { version } }'),
    "Mutation.setTaxTreatment": _admin(
        'mutation { setTaxTreatment(countryCode: "AQ", treatment: null) { version } }'
    ),
    "Mutation.setShippingZone": _admin(
        'mutation { setShippingZone(input: {name: "Antarctica", places: [], methods: []}) { id } }'
    ),
    "Mutation.deleteShippingZone": Row(
        'mutation { deleteShippingZone(id: "zone_00000000000000000000000001") }',
        _UNAUTHENTICATED,
        _FORBIDDEN,
        _FORBIDDEN,
        "NOT_FOUND",
    ),
    "Mutation.startPayment": Row(
        'mutation { startPayment(orderId: "<fresh_page_order>") { clientSecret } }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
        "startPayment.clientSecret",
    ),
    "Mutation.startSavingPaymentMethod": _logged_in(
        "mutation { startSavingPaymentMethod { clientSecret } }", consumes_caller=True, guest=_FORBIDDEN
    ),
    "Mutation.setDefaultPaymentMethod": Row(
        'mutation { setDefaultPaymentMethod(id: "<fresh_method>") { id } }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
    ),
    "Mutation.deletePaymentMethod": Row(
        'mutation { deletePaymentMethod(id: "<fresh_method>") }',
        _UNAUTHENTICATED,
        "NOT_FOUND",
        OK,
        "NOT_FOUND",
    ),
    "Mutation.refundPayment": _admin(
        'mutation { refundPayment(paymentId: "<fresh_payment>", amount: 1.00, idempotencyKey: "<key>") { id } }'
    ),
    "Subscription.orderUpdated": _owned(
        'subscription { orderUpdated(id: "<order>") { id } }', other="NOT_FOUND"
    ),
    # Fields that another service resolves than their parent, and fields that not every reader of their parent may see.
    "Account.orders": _owned(
        '{ account(id: "<account>") { orders(first: 1) { nodes { id } } } }', "account.orders"
    ),
    "Account.paymentMethods": _owned(
        '{ account(id: "<account>") { paymentMethods { id } } }', "account.paymentMethods"
    ),
    "Account.addresses": _owned('{ account(id: "<account>") { addresses { id } } }', "account.addresses"),
    "Account.notifications": _owned(
        '{ account(id: "<account>") { notifications(first: 1) { nodes { id } } } }', "account.notifications"
    ),
    "Order.account": _owned('{ order(id: "<order>") { account { id } } }', "order.account"),
    "Order.payment": _owned('{ order(id: "<order>") { payment { id } } }', "order.payment"),
    "Order.notifications": _owned('{ order(id: "<order>") { notifications { id } } }', "order.notifications"),
    "Product.variants": _public(
        '{ product(id: "<product>") { variants(first: 1) { nodes { id } } } }', "product.variants"
    ),
    "Variant.product": _public(
        '{ product(id: "<product>") { variants(first: 1) { nodes { product { id } } } } }',
        "product.variants.nodes.0.product",
    ),
    "OrderLine.product": _owned(
        '{ order(id: "<order>") { lines { product { id } } } }', "order.lines.0.product"
    ),
    "Product.stock": Row('{ product(id: "<product>") { stock } }', NULL, NULL, NULL, OK, "product.stock"),
    "Payment.clientSecret": Row(
        '{ payment(id: "<fresh_page_payment>") { clientSecret } }',
        _UNAUTHENTICATED,
        NULL,
        OK,
        NULL,
        "payment.clientSecret",
    ),
    "OrderStatusChange.internalNote": Row(
        '{ order(id: "<shipped>") { history { internalNote } } }',
        _UNAUTHENTICATED,
        NULL,
        NULL,
        OK,
        "order.history.2.internalNote",
    ),
}
