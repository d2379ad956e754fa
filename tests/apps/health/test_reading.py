"""Test that hostile and broken input is refused with a code, within limits."""

import gzip
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.health.samples import PATIENT
from trine.apps.health import reading
from trine.apps.health.limits import (
    BUNDLE_BYTES_MAX,
    EXPONENT_MAX,
    NUMBER_CHARACTERS_MAX,
    RESOURCE_BYTES_MAX,
)
from trine.errors import TrineError, UnreadableFile
from trine.errors.health import NotJson, ResourceTooLarge

ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ENTITIES, "fhir_xml"),
        (b"\xef\xbb\xbf" + ENTITIES, "fhir_xml"),
        (b'  <Patient xmlns="http://hl7.org/fhir"/>', "fhir_xml"),
        (b"\xef\xbb\xbf" + PATIENT, "not_json"),
        (PATIENT[:-1], "not_json"),
        (PATIENT + b"x", "not_json"),
        (b"", "not_json"),
        (PATIENT.decode().encode("utf-16"), "not_json"),
        (b'{"a": "\xff"}', "not_json"),
        (b'{"a": "\xed\xa0\x80"}', "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": 01}', "not_json"),
        (b'{"a": "\n"}', "not_json"),
        (b'{"a": 1, "a": 1}', "duplicate_member"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "duplicate_member"),
        (b"1" * (NUMBER_CHARACTERS_MAX + 1), "number_out_of_range"),
        (b"1." + b"1" * NUMBER_CHARACTERS_MAX, "number_out_of_range"),
        (b"1e%d" % (EXPONENT_MAX + 1), "number_out_of_range"),
        (b"1e-%d" % (EXPONENT_MAX + 1), "number_out_of_range"),
        (b"1E999999999", "number_out_of_range"),
        (b"1E99999999999999999999", "number_out_of_range"),
        (b"12E%d" % EXPONENT_MAX, "number_out_of_range"),
        (b"1" * (NUMBER_CHARACTERS_MAX - 2) + b"e9", "number_out_of_range"),
        (b"[" * 100_000, "resource_too_deep"),
        (b'{"a":' * 100_000, "resource_too_deep"),
        (b'"' + b"x" * RESOURCE_BYTES_MAX + b'"', "resource_too_large"),
    ],
)
def test_bad_input_has_a_code(content: bytes, code: str) -> None:
    """Goal: each kind of bad input ends in its own code. Method: one input of each kind."""
    with pytest.raises(TrineError) as caught:
        reading.parse(content)
    assert caught.value.code == code
    assert str(caught.value)


def test_numbers_at_the_limit_are_read() -> None:
    """Goal: limits are where they are said to be. Method: numbers of exactly that size."""
    assert reading.parse(b"1" * NUMBER_CHARACTERS_MAX) == int("1" * NUMBER_CHARACTERS_MAX)
    assert reading.parse(b"1e%d" % EXPONENT_MAX) == Decimal(10) ** EXPONENT_MAX
    assert str(reading.parse(b"-0")) == "-0"
    assert str(reading.parse(b"1.00")) == "1.00"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Goal: no input raises anything without a code. Method: random bytes."""
    try:
        reading.parse(content)
    except TrineError as error:
        assert error.code


def test_lines_are_read_one_at_a_time() -> None:
    """Goal: an export of any size is read in little memory. Method: 4 MB, memory traced."""
    line = PATIENT + b"\n"
    file = io.BytesIO(line * (4_000_000 // len(line)))
    tracemalloc.start()
    count = sum(1 for _ in reading.read_lines(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_000_000 // len(line)
    assert peak < 500_000


def test_a_bad_line_is_named() -> None:
    """Goal: people find the line. Method: the third line, after an empty one, is cut short."""
    lines = reading.read_lines(io.BytesIO(PATIENT + b"\r\n\n" + PATIENT[:-1]))
    assert next(lines).place == "line 1"
    with pytest.raises(NotJson, match="line 3: "):
        next(lines)


class _Endless(io.RawIOBase):
    """A line that never ends, of which only a limited part may be asked for."""

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None and 0 < size <= RESOURCE_BYTES_MAX + 2, "it asks for the whole line"
        return b'"' + b"x" * (size - 1)


def test_a_line_without_end_is_refused() -> None:
    """Goal: a string of a gigabyte costs no gigabyte. Method: a line that never ends."""
    file: Any = _Endless()
    with pytest.raises(ResourceTooLarge, match="line 1"):
        next(reading.read_lines(file))


def test_a_line_at_the_limit_is_read() -> None:
    """Goal: the limit is where it is said to be. Method: a line of exactly that size."""
    content = b'"' + b"x" * (RESOURCE_BYTES_MAX - 2) + b'"'
    for end in (b"\n", b"\r\n", b""):
        assert len(next(reading.read_lines(io.BytesIO(content + end))).value) == len(content) - 2


def test_files_are_read_by_their_names(tmp_path: Path) -> None:
    """Goal: forms are told apart without looking inside. Method: one file of each form."""
    (tmp_path / "export.ndjson").write_bytes(PATIENT + b"\n" + PATIENT + b"\n")
    (tmp_path / "one.json").write_bytes(PATIENT)
    assert len(list(reading.read_file(tmp_path / "export.ndjson"))) == 2
    assert [one.place for one in reading.read_file(tmp_path / "one.json")] == [""]
    with pytest.raises(UnreadableFile):
        list(reading.read_file(tmp_path / "none.json"))


def test_compressed_files_are_read_within_the_limits(tmp_path: Path) -> None:
    """Goal: exports are read as they are stored, and a small file cannot become a large one.

    Method: one value and lines, compressed; files that expand beyond a limit, in bounded memory;
    one that was cut, one with a wrong byte, one that is no gzip.
    """
    one, lines = tmp_path / "one.json.gz", tmp_path / "lines.NDJSON.gz"
    one.write_bytes(gzip.compress(PATIENT))
    lines.write_bytes(gzip.compress(PATIENT + b"\n" + PATIENT))
    assert [read.place for read in reading.read_file(one)] == [""]
    assert [read.place for read in reading.read_file(lines)] == ["line 1", "line 2"]
    spaces = gzip.compress(b" " * (4 * BUNDLE_BYTES_MAX), 1)
    for path in (one, lines):
        path.write_bytes(spaces)
        tracemalloc.start()
        with pytest.raises(ResourceTooLarge):
            list(reading.read_file(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * BUNDLE_BYTES_MAX
    packed = bytearray(gzip.compress(PATIENT))
    cut, plain = bytes(packed[:-9]), PATIENT
    packed[-8] ^= 1
    for content in (cut, bytes(packed), plain, b"\x1f\x8b"):
        one.write_bytes(content)
        with pytest.raises(UnreadableFile):
            list(reading.read_file(one))
