"""The gRPC methods in one process. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import pytest
from souk.payment.v1 import events_pb2, payment_pb2
from souk.payment.v1 import payment_service_pb2 as pb

from kit.auth import Principal
from kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin, customer
from kit.values import ORDER, PAYMENT
from payment.intents.domain import Confirmation, Intent, IntentStatus
from payment.page.rpc import PageRpc
from payment.payments.domain import Payment, PaymentActionRequired
from payment.payments.events import TOPIC
from payment.reading.messages import PaymentView
from payment.reading.rpc import PaymentsRpc
from payment.refunds.rpc import RefundsRpc
from payment.rpc import PaymentServiceRpc
from payment.tests.fakes import SEALER, FakePaymentStore, new_payment
from payment.tests.world import World


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    tokens: FakeTokenVerifier
    store: FakePaymentStore
    clock: FakeClock

    async def call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        with acting_as(self.tokens.token(caller) if caller else None):
            return await self.channel.call(method, request, response)

    async def get(self, caller: Principal | None, payment_id: str) -> payment_pb2.Payment:
        request = pb.GetPaymentRequest(payment_id=payment_id)
        payment: payment_pb2.Payment = (
            await self.call(caller, "GetPayment", request, pb.GetPaymentResponse)
        ).payment
        return payment

    async def batch_get(self, caller: Principal, *order_ids: str) -> list[str]:
        request = pb.BatchGetPaymentsRequest(order_ids=order_ids)
        response = await self.call(caller, "BatchGetPayments", request, pb.BatchGetPaymentsResponse)
        return [payment.order_id for payment in response.payments]

    async def charged(self, owner: Principal) -> Payment:
        payment = new_payment(self.clock, account_id=owner.account_id)
        payment.apply_intent(Intent("pi_1", IntentStatus.SUCCEEDED), self.clock.now)
        await self.store.add(None, [payment])
        return payment


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    store, tokens = FakePaymentStore(), FakeTokenVerifier()
    world = World(store=store)
    view = PaymentView(SEALER)
    rpc = PaymentServiceRpc(
        PaymentsRpc(world.payments, view),
        PageRpc(world.start, view),
        RefundsRpc(world.refunds, FakeAdminVerifier()),
    )
    server = Server([rpc], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", PaymentServiceRpc.service)
    await channel.open()
    yield Edge(channel, tokens, store, world.clock)
    await channel.close()
    await server.stop(0)


async def test_get_payment_is_for_the_owner_and_admins(edge: Edge) -> None:
    owner = customer()
    payment = await edge.charged(owner)
    payment_id = PAYMENT.format(payment.id)
    received = await edge.get(owner, payment_id)
    assert received.status == payment_pb2.PAYMENT_STATUS_SUCCEEDED
    assert (received.amount.units, received.order_id) == (100, ORDER.format(payment.order_id))
    assert await edge.get(admin(), payment_id) == received
    with pytest.raises(NotFound):
        await edge.get(customer(), payment_id)
    with pytest.raises(Unauthenticated):
        await edge.get(None, payment_id)


async def test_start_payment_gives_the_client_secret_to_the_owner_only(edge: Edge) -> None:
    owner = customer()
    payment = replace(new_payment(edge.clock, account_id=owner.account_id), confirmation=Confirmation.CLIENT)
    await edge.store.add(None, [payment])
    request = pb.StartPaymentRequest(order_id=ORDER.format(payment.order_id))

    started = (await edge.call(owner, "StartPayment", request, pb.StartPaymentResponse)).payment

    assert started.client_secret.endswith("_secret")
    assert started.status == payment_pb2.PAYMENT_STATUS_REQUIRES_ACTION
    assert started.pay_before.ToDatetime(UTC) == payment.pay_before
    payment_id = PAYMENT.format(payment.id)
    assert (await edge.get(owner, payment_id)).client_secret == started.client_secret
    assert (await edge.get(admin(), payment_id)).client_secret == ""
    for other in (admin(), customer()):
        with pytest.raises(NotFound):
            await edge.call(other, "StartPayment", request, pb.StartPaymentResponse)
    with pytest.raises(Unauthenticated):
        await edge.call(None, "StartPayment", request, pb.StartPaymentResponse)
    malformed = pb.StartPaymentRequest(order_id="pi_1")
    with pytest.raises(InvalidArgument) as rejected:
        await edge.call(owner, "StartPayment", malformed, pb.StartPaymentResponse)
    assert [fault.path for fault in rejected.value.fields] == [("orderId",)]


async def test_a_secret_sealed_with_another_key_is_left_out(edge: Edge) -> None:
    owner = customer()
    payment = replace(
        new_payment(edge.clock, account_id=owner.account_id),
        confirmation=Confirmation.CLIENT,
        client_secret=b"sealed with a key that was replaced",
    )
    await edge.store.add(None, [payment])
    assert (await edge.get(owner, PAYMENT.format(payment.id))).client_secret == ""


def test_neither_events_nor_logs_carry_a_client_secret() -> None:
    payment = replace(
        new_payment(FakeClock()), confirmation=Confirmation.CLIENT, client_secret=SEALER.seal("hush")
    )
    rows = TOPIC.outbox_rows([PaymentActionRequired(payment)])
    message = events_pb2.PaymentActionRequired.FromString(rows.payloads[0])
    assert message.payment.client_secret == ""
    assert "client_secret" not in repr(payment)
    assert "client_secret" not in repr(Intent("pi_1", IntentStatus.READY, client_secret=b"x"))


async def test_get_payment_rejects_a_malformed_id(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as rejected:
        await edge.get(customer(), "pi_1")
    assert [fault.path for fault in rejected.value.fields] == [("id",)]


async def test_batch_get_payments_leaves_out_unknown_orders_and_other_accounts(edge: Edge) -> None:
    owner = customer()
    mine, others = await edge.charged(owner), await edge.charged(customer())
    orders = [ORDER.format(payment.order_id) for payment in (mine, others)]
    unknown = ORDER.format(ORDER.new())
    assert await edge.batch_get(owner, *orders, unknown) == [orders[0]]
    assert sorted(await edge.batch_get(admin(), *orders)) == sorted(orders)
    with pytest.raises(InvalidArgument):
        await edge.batch_get(owner, *[unknown] * 101)


async def test_refund_payment_is_for_admins_and_passes_on_the_request(edge: Edge) -> None:
    owner = customer()
    payment = await edge.charged(owner)
    request = pb.RefundPaymentRequest(
        payment_id=PAYMENT.format(payment.id), amount="10.50", reason=" damaged ", request_id="k"
    )

    response = await edge.call(admin(), "RefundPayment", request, pb.RefundPaymentResponse)

    [refund] = response.payment.refunds
    assert (refund.amount.units, refund.amount.nanos, refund.reason) == (10, 500_000_000, "damaged")
    assert refund.status == payment_pb2.REFUND_STATUS_PENDING
    with pytest.raises(PermissionDenied):
        await edge.call(owner, "RefundPayment", request, pb.RefundPaymentResponse)
    with pytest.raises(Unauthenticated):
        await edge.call(None, "RefundPayment", request, pb.RefundPaymentResponse)


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("payment_id", "ord_1", "paymentId"),
        ("amount", "ten", "amount"),
        ("amount", "-1", "amount"),
        ("amount", "1e3", "amount"),
        ("amount", "0", "amount"),
        ("amount", "1.005", "amount"),
        ("reason", "x" * 501, "reason"),
        ("reason", "4242 4242 4242 4242", "reason"),
        ("request_id", "", "idempotencyKey"),
        ("request_id", "x" * 256, "idempotencyKey"),
    ],
)
async def test_refund_payment_names_the_invalid_field(edge: Edge, field: str, value: str, path: str) -> None:
    payment = await edge.charged(customer())
    fields = {"payment_id": PAYMENT.format(payment.id), "amount": "10", "request_id": "k", field: value}
    with pytest.raises(InvalidArgument) as rejected:
        await edge.call(admin(), "RefundPayment", pb.RefundPaymentRequest(**fields), pb.RefundPaymentResponse)
    assert [fault.path for fault in rejected.value.fields] == [(path,)]
