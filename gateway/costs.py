"""What the schema's fields cost: each field's extra weight, and sizes of lists without an argument `first`."""

from typing import Final

from kit.graphql import FieldCosts

COSTS: Final = FieldCosts(
    # A search, a sorted list per parent, or a count of everything.
    weights={
        "Query.products": 5,
        "Query.productSuggestions": 5,
        "Query.accounts": 5,
        # Priced by two services, and judged by all rules of the shop.
        "Query.cart": 10,
        "Mutation.checkout": 10,
        "Account.orders": 5,
        "Product.variants": 5,
        "Account.notifications": 5,
        "Account.addresses": 5,
        "Account.paymentMethods": 5,
        # These may wait for the payment provider.
        "Mutation.startPayment": 10,
        "Mutation.startSavingPaymentMethod": 10,
        "ProductConnection.facets": 10,
        "ProductConnection.totalCount": 5,
        "VariantConnection.totalCount": 5,
        "OrderConnection.totalCount": 5,
        "AccountConnection.totalCount": 5,
        "NotificationConnection.totalCount": 5,
        "AuditEventConnection.totalCount": 5,
        "ShippingZoneConnection.totalCount": 5,
    },
    list_sizes={
        "Category": 30,
        "Account.addresses": 5,
        "Account.paymentMethods": 3,
        "Cart.lines": 5,
        "Cart.problems": 2,
        "Cart.shippingMethods": 4,
        "Cart.taxes": 2,
        "Cart.warnings": 2,
        "Order.lines": 5,
        "Order.taxes": 2,
        "Query.shippingMethods": 4,
        "ShippingMethod.rates": 5,
        "ShippingZone.methods": 4,
        "ShippingZone.places": 10,
        "CountryTaxes.rates": 20,
        "Order.notifications": 4,
        "Order.history": 4,
        "OrderLine.options": 2,
        "Product.options": 2,
        "Variant.options": 2,
        "Payment.refunds": 2,
        "Facet.values": 10,
        "ProductConnection.facets": 4,
    },
    # Each checks a password, emails a link to the given address, or makes an account.
    credential_fields=frozenset(
        {"login", "register", "requestPasswordReset", "requestOrderLink", "startGuest"}
    ),
)
