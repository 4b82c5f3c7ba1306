"""The checksums of records, which kafka-python computes in C only where `crc32c` is installed."""

from crc32c import crc32c
from kafka.record import util


def test_checksums_of_records_are_computed_in_c() -> None:
    assert util._crc32c is crc32c
    assert util.calc_crc32c(memoryview(b"123456789")) == 0xE3069283  # The check value of CRC-32C.
