"""Services as their contracts say, in this process: what the gateway's peers speak to in tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as account
from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as catalog
from souk.notification.v1 import notification_pb2
from souk.notification.v1 import notification_service_pb2 as notification
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as order
from souk.payment.v1 import payment_pb2
from souk.payment.v1 import payment_service_pb2 as payment

from gateway.peers import Accounts, Catalog, Notifications, Orders, Payments, Peers
from kit.errors import NotFound, Unauthenticated
from kit.rpc import Call, Server
from kit.testing.contracts import UnimplementedServicer
from kit.testing.principals import FakeTokenVerifier
from kit.values import ACCOUNT, ORDER, PRODUCT, Money, money_to_proto, remaining, timestamp_to_proto, utc_now

NOW = timestamp_to_proto(utc_now())


TOKENS = account_pb2.Tokens(
    access_token="a", refresh_token="r", access_token_expire_time=NOW, refresh_token_expire_time=NOW
)


class Recorder:
    """Counts the calls of each RPC, and raises what a test wants raised."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Call]] = []
        self.raises: dict[str, Exception] = {}
        # Seconds that reading one account or product takes, and those that their callers had left.
        self.waits = 0.0
        self.left: list[float | None] = []

    async def takes_its_time(self) -> None:
        self.left.append(remaining())
        await asyncio.sleep(self.waits)

    def record(self, name: str, request: Any, call: Call) -> None:
        self.calls.append((name, request, call))
        if name in self.raises:
            raise self.raises[name]

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def last(self, name: str) -> tuple[Any, Call]:
        return next((request, call) for method, request, call in reversed(self.calls) if method == name)


def one_account(account_id: str) -> account_pb2.Account:
    return account_pb2.Account(
        id=account_id,
        name="John Doe",
        email="john@example.com",
        role=account_pb2.ROLE_USER,
        create_time=NOW,
        update_time=NOW,
    )


def one_product(product_id: str, name: str = "Mug") -> product_pb2.Product:
    return product_pb2.Product(
        id=product_id,
        name=name,
        description="of steel",
        price=money_to_proto(Money(999, "USD")),
        available=True,
        version=1,
        create_time=NOW,
        update_time=NOW,
    )


def one_order(order_id: str, account_id: str, *products: str) -> order_pb2.Order:
    line = [
        order_pb2.OrderLine(
            product_id=product_id, name="Mug", unit_price=money_to_proto(Money(999, "USD")), quantity=2
        )
        for product_id in products
    ]
    total = money_to_proto(Money(1998 * len(products), "USD"))
    return order_pb2.Order(
        id=order_id,
        number="1042",
        account_id=account_id,
        lines=line,
        total=total,
        refunded=money_to_proto(Money(0, "USD")),
        status=order_pb2.ORDER_STATUS_PENDING,
        history=[order_pb2.OrderStatusChange(status=order_pb2.ORDER_STATUS_PENDING, time=NOW)],
        version=1,
        create_time=NOW,
        update_time=NOW,
    )


class AccountRpc(UnimplementedServicer):
    service = account.DESCRIPTOR.services_by_name["AccountService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._takes_its_time = recorder.takes_its_time

    async def register(self, request: Any, call: Call) -> account.RegisterResponse:
        self._record("Register", request, call)
        made = one_account(ACCOUNT.format(ACCOUNT.new()))
        made.name, made.email = request.name, request.email
        return account.RegisterResponse(account=made, tokens=TOKENS, device_token="d")

    async def login(self, request: Any, call: Call) -> account.LoginResponse:
        self._record("Login", request, call)
        raise Unauthenticated("email or password is wrong", reason="BAD_CREDENTIALS")

    async def get_account(self, request: Any, call: Call) -> account.GetAccountResponse:
        self._record("GetAccount", request, call)
        await self._takes_its_time()
        return account.GetAccountResponse(account=one_account(request.account_id))

    async def batch_get_accounts(self, request: Any, call: Call) -> account.BatchGetAccountsResponse:
        self._record("BatchGetAccounts", request, call)
        return account.BatchGetAccountsResponse(accounts=map(one_account, request.account_ids))

    async def refresh_tokens(self, request: Any, call: Call) -> account.RefreshTokensResponse:
        self._record("RefreshTokens", request, call)
        return account.RefreshTokensResponse(account=one_account("acc_1"), tokens=TOKENS)

    async def logout(self, request: Any, call: Call) -> account.LogoutResponse:
        self._record("Logout", request, call)
        return account.LogoutResponse()

    async def update_profile(self, request: Any, call: Call) -> account.UpdateProfileResponse:
        self._record("UpdateProfile", request, call)
        changed = one_account(ACCOUNT.format(call.require_principal().account_id))
        changed.name = request.name or changed.name
        changed.phone = request.phone
        return account.UpdateProfileResponse(account=changed)

    async def change_password(self, request: Any, call: Call) -> account.ChangePasswordResponse:
        self._record("ChangePassword", request, call)
        return account.ChangePasswordResponse(account=one_account("acc_1"), tokens=TOKENS)

    async def request_password_reset(self, request: Any, call: Call) -> account.RequestPasswordResetResponse:
        self._record("RequestPasswordReset", request, call)
        return account.RequestPasswordResetResponse()

    async def reset_password(self, request: Any, call: Call) -> account.ResetPasswordResponse:
        self._record("ResetPassword", request, call)
        return account.ResetPasswordResponse()

    async def request_email_verification(
        self, request: Any, call: Call
    ) -> account.RequestEmailVerificationResponse:
        self._record("RequestEmailVerification", request, call)
        return account.RequestEmailVerificationResponse()

    async def verify_email(self, request: Any, call: Call) -> account.VerifyEmailResponse:
        self._record("VerifyEmail", request, call)
        proven = one_account("acc_1")
        proven.email_verified = True
        return account.VerifyEmailResponse(account=proven)

    async def delete_account(self, request: Any, call: Call) -> account.DeleteAccountResponse:
        self._record("DeleteAccount", request, call)
        return account.DeleteAccountResponse()

    async def erase_account(self, request: Any, call: Call) -> account.EraseAccountResponse:
        self._record("EraseAccount", request, call)
        return account.EraseAccountResponse()

    async def set_account_role(self, request: Any, call: Call) -> account.SetAccountRoleResponse:
        self._record("SetAccountRole", request, call)
        changed = one_account(request.account_id)
        changed.role = request.role
        return account.SetAccountRoleResponse(account=changed)

    async def list_accounts(self, request: Any, call: Call) -> account.ListAccountsResponse:
        self._record("ListAccounts", request, call)
        size = request.page_size or 20
        ids = [ACCOUNT.format(ACCOUNT.new()) for _ in range(size)]
        entries = [account.ListAccountsResponse.Entry(account=one_account(id_), cursor=id_) for id_ in ids]
        total = 1000 if request.count_total else None
        return account.ListAccountsResponse(entries=entries, has_next_page=True, total_count=total)

    async def list_audit_events(self, request: Any, call: Call) -> account.ListAuditEventsResponse:
        self._record("ListAuditEvents", request, call)
        event = account.AuditEvent(id="aud_1", create_time=NOW, action="account.login", address="192.0.2.1")
        entry = account.ListAuditEventsResponse.Entry(audit_event=event, cursor="c")
        return account.ListAuditEventsResponse(entries=[entry] * (request.page_size or 20))

    async def verify_token(self, request: Any, call: Call) -> account.VerifyTokenResponse:
        raise AssertionError("the gateway verifies tokens itself")


class ProductRpc(UnimplementedServicer):
    service = catalog.DESCRIPTOR.services_by_name["ProductService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._takes_its_time = recorder.takes_its_time
        self.product_ids = [PRODUCT.format(PRODUCT.new()) for _ in range(3)]

    async def create_product(self, request: Any, call: Call) -> catalog.CreateProductResponse:
        self._record("CreateProduct", request, call)
        made = one_product(PRODUCT.format(PRODUCT.new()), request.name)
        made.price.CopyFrom(request.price)
        return catalog.CreateProductResponse(product=made)

    async def get_product(self, request: Any, call: Call) -> catalog.GetProductResponse:
        self._record("GetProduct", request, call)
        await self._takes_its_time()
        return catalog.GetProductResponse(product=one_product(request.product_id))

    async def batch_get_products(self, request: Any, call: Call) -> catalog.BatchGetProductsResponse:
        self._record("BatchGetProducts", request, call)
        return catalog.BatchGetProductsResponse(products=map(one_product, request.product_ids))

    async def list_products(self, request: Any, call: Call) -> catalog.ListProductsResponse:
        raise AssertionError("the gateway searches")

    async def search_products(self, request: Any, call: Call) -> catalog.SearchProductsResponse:
        self._record("SearchProducts", request, call)
        ids = self.product_ids
        if request.page_size > len(ids):
            ids = [PRODUCT.format(PRODUCT.new()) for _ in range(request.page_size)]
        hits = [
            catalog.SearchProductsResponse.Hit(
                product=one_product(product_id),
                cursor=f"after {product_id}",
                highlight="<em>Mug</em>" if request.highlight else "",
            )
            for product_id in ids
        ]
        total = len(self.product_ids) if request.count_total else None
        facet = catalog.Facet(name="currency", values=[catalog.FacetValue(value="USD", count=3)])
        facets = [facet] if request.count_facets else []
        return catalog.SearchProductsResponse(hits=hits, has_next_page=True, total_count=total, facets=facets)

    async def suggest_products(self, request: Any, call: Call) -> catalog.SuggestProductsResponse:
        self._record("SuggestProducts", request, call)
        return catalog.SuggestProductsResponse(suggestions=[f"{request.prefix}top", f"{request.prefix}pad"])

    async def update_product(self, request: Any, call: Call) -> catalog.UpdateProductResponse:
        self._record("UpdateProduct", request, call)
        return catalog.UpdateProductResponse(product=one_product(request.product_id))

    async def delete_product(self, request: Any, call: Call) -> catalog.DeleteProductResponse:
        self._record("DeleteProduct", request, call)
        return catalog.DeleteProductResponse(product=one_product(request.product_id))

    async def adjust_stock(self, request: Any, call: Call) -> catalog.AdjustStockResponse:
        self._record("AdjustStock", request, call)
        changed = one_product(request.product_id)
        changed.stock = 10 + request.delta
        return catalog.AdjustStockResponse(product=changed)

    async def set_stock(self, request: Any, call: Call) -> catalog.SetStockResponse:
        self._record("SetStock", request, call)
        changed = one_product(request.product_id)
        if request.HasField("stock"):
            changed.stock = request.stock
        return catalog.SetStockResponse(product=changed)

    async def list_categories(self, request: Any, call: Call) -> catalog.ListCategoriesResponse:
        self._record("ListCategories", request, call)
        return catalog.ListCategoriesResponse(
            categories=[product_pb2.Category(id="cat_1", slug="s", name="S", product_count=4)]
        )


class OrderRpc(UnimplementedServicer):
    service = order.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._known: dict[str, order_pb2.Order] = {}

    async def place_order(self, request: Any, call: Call) -> order.PlaceOrderResponse:
        self._record("PlaceOrder", request, call)
        principal = call.require_principal()
        made = one_order(
            ORDER.format(ORDER.new()),
            ACCOUNT.format(principal.account_id),
            *(line.product_id for line in request.lines),
        )
        return order.PlaceOrderResponse(order=made)

    async def get_order(self, request: Any, call: Call) -> order.GetOrderResponse:
        self._record("GetOrder", request, call)
        ORDER.parse(request.order_id, "id")
        known = self._known.get(request.order_id)
        if known is None or known.account_id != ACCOUNT.format(call.require_principal().account_id):
            raise NotFound("no such order", reason="ORDER_NOT_FOUND")
        return order.GetOrderResponse(order=known)

    async def cancel_order(self, request: Any, call: Call) -> order.CancelOrderResponse:
        self._record("CancelOrder", request, call)
        ended = one_order(request.order_id, ACCOUNT.format(call.require_principal().account_id))
        ended.status, ended.version = order_pb2.ORDER_STATUS_CANCELLED, 2
        ended.cancel_reason, ended.status_reason = order_pb2.CANCEL_REASON_CUSTOMER, request.reason
        return order.CancelOrderResponse(order=ended)

    async def update_order_status(self, request: Any, call: Call) -> order.UpdateOrderStatusResponse:
        self._record("UpdateOrderStatus", request, call)
        moved = one_order(request.order_id, ACCOUNT.format(call.require_principal().account_id))
        moved.status, moved.version = request.status, 2
        moved.history.add(
            status=request.status, time=NOW, note=request.note, internal_note=request.internal_note
        )
        return order.UpdateOrderStatusResponse(order=moved)

    def stands(self, order_id: str, account_id: str, version: int, status: str) -> None:
        """The order is as said from now on."""
        known = one_order(order_id, account_id, PRODUCT.format(PRODUCT.new()))
        known.version = version
        known.MergeFrom(order_pb2.Order(status=f"ORDER_STATUS_{status}"))
        self._known[order_id] = known

    async def list_orders(self, request: Any, call: Call) -> order.ListOrdersResponse:
        self._record("ListOrders", request, call)
        return self._page(request, request.account_id or ACCOUNT.format(call.require_principal().account_id))

    async def batch_list_orders(self, request: Any, call: Call) -> order.BatchListOrdersResponse:
        self._record("BatchListOrders", request, call)
        pages = [self._page(request.list, account_id) for account_id in request.account_ids]
        return order.BatchListOrdersResponse(pages=pages)

    def _page(self, request: Any, account_id: str) -> order.ListOrdersResponse:
        made = [
            one_order(ORDER.format(ORDER.new()), account_id, PRODUCT.format(PRODUCT.new()))
            for _ in range(request.page_size or 20)
        ]
        entries = [order.ListOrdersResponse.Entry(order=entry, cursor=entry.id) for entry in made]
        total = 1000 if request.count_total else None
        return order.ListOrdersResponse(entries=entries, total_count=total)


class PaymentRpc(UnimplementedServicer):
    service = payment.DESCRIPTOR.services_by_name["PaymentService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def get_payment(self, request: Any, call: Call) -> payment.GetPaymentResponse:
        self._record("GetPayment", request, call)
        return payment.GetPaymentResponse(payment=self._one("ord_1"))

    async def batch_get_payments(self, request: Any, call: Call) -> payment.BatchGetPaymentsResponse:
        self._record("BatchGetPayments", request, call)
        return payment.BatchGetPaymentsResponse(payments=map(self._one, request.order_ids))

    async def refund_payment(self, request: Any, call: Call) -> payment.RefundPaymentResponse:
        self._record("RefundPayment", request, call)
        return payment.RefundPaymentResponse(payment=self._one("ord_1"))

    def _one(self, order_id: str) -> payment_pb2.Payment:
        return payment_pb2.Payment(
            id=f"pay_{order_id}",
            order_id=order_id,
            amount=money_to_proto(Money(1998, "USD")),
            refunded=money_to_proto(Money(500, "USD")),
            status=payment_pb2.PAYMENT_STATUS_PARTIALLY_REFUNDED,
            create_time=NOW,
            update_time=NOW,
        )


class NotificationRpc(UnimplementedServicer):
    service = notification.DESCRIPTOR.services_by_name["NotificationService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def list_notifications(self, request: Any, call: Call) -> notification.ListNotificationsResponse:
        self._record("ListNotifications", request, call)
        return self._page(request)

    async def batch_list_account_notifications(
        self, request: Any, call: Call
    ) -> notification.BatchListAccountNotificationsResponse:
        self._record("BatchListAccountNotifications", request, call)
        pages = [self._page(request.list) for _ in request.account_ids]
        return notification.BatchListAccountNotificationsResponse(pages=pages)

    def _page(self, request: Any) -> notification.ListNotificationsResponse:
        one = self._one(request.order_id)
        if request.order_id:
            # What is asked about an order was given up, so that there is such a one.
            one.status = notification_pb2.NOTIFICATION_STATUS_FAILED
            one.failure = notification_pb2.NOTIFICATION_FAILURE_NOT_TAKEN
            one.ClearField("send_time")
        entry = notification.ListNotificationsResponse.Entry(notification=one, cursor="c")
        return notification.ListNotificationsResponse(entries=[entry] * (request.page_size or 20))

    async def batch_list_notifications(
        self, request: Any, call: Call
    ) -> notification.BatchListNotificationsResponse:
        self._record("BatchListNotifications", request, call)
        return notification.BatchListNotificationsResponse(notifications=map(self._one, request.order_ids))

    def _one(self, order_id: str) -> notification_pb2.Notification:
        return notification_pb2.Notification(
            id="ntf_1",
            order_id=order_id,
            template="order_confirmed",
            channel="email",
            recipient="john@example.com",
            subject="Your order is confirmed",
            status=notification_pb2.NOTIFICATION_STATUS_SENT,
            attempts=1,
            create_time=NOW,
            send_time=NOW,
        )


SERVICES: list[Callable[[Recorder], Any]] = [AccountRpc, ProductRpc, OrderRpc, PaymentRpc, NotificationRpc]


@asynccontextmanager
async def standing_in(servicers: Sequence[Any], tokens: FakeTokenVerifier) -> AsyncIterator[Peers]:
    """The gateway's peers, all of them one server of these."""
    server = Server(servicers, host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    address = f"127.0.0.1:{server.port}"
    peers = Peers(
        Accounts(address), Catalog(address), Orders(address), Payments(address), Notifications(address)
    )
    held = [peers.account, peers.catalog, peers.order, peers.payment, peers.notification]
    for peer in held:
        await peer.open()
    yield peers
    for peer in held:
        await peer.close()
    await server.stop(0)
