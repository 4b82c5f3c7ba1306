"""Reactions to the account service's own events."""

from pathlib import Path

from souk.account.v1 import events_pb2 as pb

from account.accounts.consumers import AccountEvents
from account.tests.consuming import consume
from account.tests.fakes import World
from kit.auth import SigningKeys
from kit.values import ACCOUNT


async def test_account_deleted_purges_the_outbox(tmp_path: Path) -> None:
    world, account_id = World(SigningKeys.generate(tmp_path / "keys.json")), ACCOUNT.new()
    message = pb.AccountDeleted(account_id=ACCOUNT.format(account_id))
    await consume(world, AccountEvents(world.accounts).subscriptions(), message)
    assert world.store.purged == [account_id]


async def test_guest_merged_purges_the_outbox_of_the_guest(tmp_path: Path) -> None:
    world, guest_id = World(SigningKeys.generate(tmp_path / "keys.json")), ACCOUNT.new()
    message = pb.GuestMerged(guest_id=ACCOUNT.format(guest_id), into_id=ACCOUNT.format(ACCOUNT.new()))
    await consume(world, AccountEvents(world.accounts).subscriptions(), message)
    assert world.store.purged == [guest_id]
