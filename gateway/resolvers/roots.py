"""The root types."""

import strawberry

from gateway.resolvers.account import AccountMutations, AccountQueries
from gateway.resolvers.address import AddressMutations
from gateway.resolvers.cart import CartMutations, CartQueries
from gateway.resolvers.catalog import CatalogMutations, CatalogQueries
from gateway.resolvers.guest import GuestMutations
from gateway.resolvers.notification import NotificationQueries
from gateway.resolvers.order import OrderMutations, OrderQueries
from gateway.resolvers.payment import PaymentMutations, PaymentQueries
from gateway.resolvers.saved_method import SavedMethodMutations
from gateway.resolvers.shipping import ShippingMutations, ShippingQueries
from gateway.resolvers.tax import TaxMutations, TaxQueries
from gateway.resolvers.variants import VariantMutations, VariantQueries


@strawberry.type(description="All queries.")
class Query(
    AccountQueries,
    CartQueries,
    CatalogQueries,
    VariantQueries,
    OrderQueries,
    PaymentQueries,
    NotificationQueries,
    TaxQueries,
    ShippingQueries,
):
    """A query by id returns null when the object does not exist or is not the caller's."""


@strawberry.type(description="All mutations. Those of one document run in order.")
class Mutation(
    AccountMutations,
    AddressMutations,
    GuestMutations,
    CartMutations,
    CatalogMutations,
    VariantMutations,
    OrderMutations,
    PaymentMutations,
    SavedMethodMutations,
    TaxMutations,
    ShippingMutations,
):
    """Each mutation clears the loaders first (kit.graphql.schema)."""
