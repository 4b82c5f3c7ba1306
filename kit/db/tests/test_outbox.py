"""The outbox's INSERT."""

from kit.db import outbox_insert


def test_parameters_begin_where_asked() -> None:
    sql = outbox_insert(9)

    assert "$8" not in sql
    assert all(f"${number}::" in sql for number in range(9, 16))
    assert "$16" not in sql
