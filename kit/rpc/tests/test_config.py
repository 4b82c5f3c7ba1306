"""Rules of service_config.json."""

from souk.account.v1 import account_service_pb2
from souk.order.v1 import order_service_pb2

from kit.rpc.config import Retries, method_configs


def test_an_entry_that_names_a_method_replaces_the_services() -> None:
    configs = method_configs(account_service_pb2.DESCRIPTOR.services_by_name["AccountService"])
    assert (configs["UpdateProfile"].timeout, configs["UpdateProfile"].retries.attempts) == (5, 1)
    assert (configs["GetAccount"].timeout, configs["GetAccount"].retries.attempts) == (2, 3)


def test_every_method_has_a_configuration() -> None:
    service = order_service_pb2.DESCRIPTOR.services_by_name["OrderService"]
    assert set(method_configs(service)) == {method.name for method in service.methods}


def test_pauses_grow_and_are_bounded() -> None:
    retries = Retries(attempts=9, initial=0.1, maximum=0.3)
    assert all(0 <= retries.pause(1) <= 0.1 for _ in range(50))
    assert all(0 <= retries.pause(8) <= 0.3 for _ in range(50))
