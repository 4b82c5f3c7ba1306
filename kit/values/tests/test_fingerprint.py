"""Fingerprints are stored, so they must never change."""

from kit.values import request_fingerprint


def test_equal_parts_have_the_same_fingerprint_in_every_version() -> None:
    fingerprint = request_fingerprint("acc_1", [["prod_1", 2]], None)
    assert fingerprint.hex() == "e25228f8fb31b8ee4bde4c8a577b79ae"
    assert request_fingerprint("acc_1", [["prod_1", 2]], None) == fingerprint


def test_other_parts_have_another_fingerprint() -> None:
    assert request_fingerprint("a", "b") != request_fingerprint("ab", "")
    assert request_fingerprint("a", "b") != request_fingerprint("b", "a")
