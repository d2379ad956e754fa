"""Test that the key set of a service is read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.errors.services import BadHeader
from trine.services.evidence import keys
from trine.services.evidence.checking import read_key_set
from trine.types.calls import PublicKey


@given(st.binary(max_size=100))
def test_any_bytes_end_in_a_code(data: bytes) -> None:
    """Goal: a file that is no key set has a code. Method: random bytes, and a set cut short."""
    whole = keys.cose_key_set([PublicKey("ed25519", bytes(32))])
    assert read_key_set(whole) == [PublicKey("ed25519", bytes(32))]
    for wrong in (data, whole[:-1], whole[: len(data) % len(whole)]):
        with pytest.raises(BadHeader):
            read_key_set(wrong)
