"""Rules of ids."""

from uuid import UUID

import pytest
import uuid_utils
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID

from kit.errors import InvalidArgument
from kit.values import (
    ACCOUNT,
    ORDER,
)


@given(st.uuids())
def test_an_id_survives_being_written_and_read(value: UUID) -> None:
    assert ORDER.parse(ORDER.format(value), "id") == value


def test_an_id_is_written_as_typeid_has_it() -> None:
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert ORDER.format(value) == "ord_01h455vb4pex5vsknk084sn02q"


@given(st.uuids())
def test_every_id_is_written_as_typeid_has_it(value: UUID) -> None:
    assert ORDER.format(value) == str(TypeID.from_uuid(uuid_utils.UUID(int=value.int), prefix="ord"))


_VALID = "01h455vb4pex5vsknk084sn02q"


@given(st.integers(1, 25), st.characters(exclude_characters="0123456789abcdefghjkmnpqrstvwxyz"))
def test_a_character_outside_the_alphabet_is_rejected(position: int, character: str) -> None:
    text = "ord_" + _VALID[:position] + character + _VALID[position + 1 :]
    with pytest.raises(InvalidArgument):
        ORDER.parse(text, "id")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord_",
        "acc_01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_81h455vb4pex5vsknk084sn02q",
    ]
    + [
        "ord_01H455VB4PEX5VSKNK084SN02Q",
        "ord_01h455vb4pex5vsknk084sn02u",
        "ORD_01h455vb4pex5vsknk084sn02q",
        "ord_\0",
    ],
)
def test_a_malformed_id_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ORDER.parse(text, "input", "id")
    assert caught.value.fields[0].path == ("input", "id")


def test_fresh_ids_sort_by_their_time() -> None:
    ids = [ORDER.new() for _ in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100


def test_a_derived_id_follows_from_its_key_and_kind() -> None:
    assert ORDER.derive("a", "b") == ORDER.derive("a", "b")
    assert (
        len({ORDER.derive("a", "b"), ORDER.derive("ab"), ORDER.derive("a", "c"), ACCOUNT.derive("a", "b")})
        == 4
    )


def test_a_batch_names_a_hundred_ids_at_most_and_a_set_each_once() -> None:
    ids = [ORDER.new() for _ in range(100)]
    texts = [ORDER.format(item) for item in ids]
    assert ORDER.parse_all(texts, "order_ids") == ids == ORDER.parse_unique(texts, "order_ids")
    assert ORDER.parse_all([], "order_ids") == []
    for rejected in ([*texts, texts[0]], [], [texts[0], texts[0]]):
        with pytest.raises(InvalidArgument):
            ORDER.parse_unique(rejected, "order_ids")
    with pytest.raises(InvalidArgument):
        ORDER.parse_all([*texts, texts[0]], "order_ids")
