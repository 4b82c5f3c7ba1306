"""Saved payment methods over HTTP, with fake services behind the gateway."""

from gateway.tests.world import USER, World, forget, world
from kit.values import ACCOUNT

__all__ = ["forget", "world"]


async def test_an_accounts_payment_methods_are_listed(world: World) -> None:
    answer = await world.ask(
        "{ me { id paymentMethods { id brand last4 expMonth expYear isDefault createdAt } } }"
    )
    [method] = answer["data"]["me"]["paymentMethods"]
    assert (method["brand"], method["last4"], method["expMonth"], method["expYear"]) == (
        "visa",
        "4242",
        12,
        2034,
    )
    assert method["isDefault"] is True
    assert list(world.recorder.last("BatchListMethods")[0].account_ids) == [ACCOUNT.format(USER.account_id)]


async def test_methods_are_saved_chosen_and_deleted(world: World) -> None:
    started = await world.ask("mutation { startSavingPaymentMethod { clientSecret } }")
    assert started["data"]["startSavingPaymentMethod"] == {"clientSecret": "seti_1_secret_2"}
    chosen = await world.ask('mutation { setDefaultPaymentMethod(id: "pme_1") { id isDefault } }')
    assert chosen["data"]["setDefaultPaymentMethod"] == {"id": "pme_1", "isDefault": True}
    deleted = await world.ask('mutation { deletePaymentMethod(id: "pme_1") }')
    assert deleted["data"]["deletePaymentMethod"] is True
    for rpc in ("SetDefaultMethod", "DeleteMethod"):
        assert world.recorder.last(rpc)[0].method_id == "pme_1"
