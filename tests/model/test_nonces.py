"""Hold the nonce window to a naive description of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.people import public_key
from trine.model.account import Account, Roles
from trine.model.identifiers import Nonce, OrganisationId
from trine.model.limits import NONCE_SLIDE_MAX, NONCE_WINDOW, U64_MAX
from trine.model.verdicts import (
    InvalidTransaction,
    Malformed,
    NonceTooFar,
    NonceUsed,
    NonceVoided,
)


class NaiveWindow:
    """Remembers every nonce ever used."""

    def __init__(self) -> None:
        """Start without any."""
        self.used: set[int] = set()
        self.base = 0

    def use(self, nonce: int) -> type[InvalidTransaction] | None:
        """Use a nonce, or say why not."""
        if nonce < self.base:
            return NonceVoided
        if nonce >= self.base + NONCE_WINDOW + NONCE_SLIDE_MAX or nonce == U64_MAX:
            return NonceTooFar
        if nonce in self.used:
            return NonceUsed
        self.used.add(nonce)
        self.base = max(self.base, nonce - NONCE_WINDOW + 1)
        while self.base in self.used:
            self.base += 1
        return None


steps = st.one_of(
    st.integers(-3, 5),
    st.integers(-200, 1_400),
    st.sampled_from([NONCE_WINDOW - 1, NONCE_WINDOW, NONCE_WINDOW + NONCE_SLIDE_MAX - 1]),
    st.sampled_from([NONCE_WINDOW + NONCE_SLIDE_MAX, U64_MAX]),
)


@given(offsets=st.lists(steps, max_size=60))
def test_window_is_the_naive_one(offsets: list[int]) -> None:
    # Goal: each nonce at most once, and the right verdict. Method: nonces around the window's base.
    account = Account.new(OrganisationId(0), Roles.NONE, public_key("any"))
    naive = NaiveWindow()
    for offset in offsets:
        nonce = Nonce(min(max(0, naive.base + offset), U64_MAX))
        verdict: type[InvalidTransaction] | None = None
        try:
            account = account.use_nonce(nonce)
        except InvalidTransaction as error:
            verdict = type(error)
        assert verdict == naive.use(nonce)
        assert account.nonce_base == naive.base
        assert Account.from_bytes(account.encode()) == account


@given(below=st.integers(0, 200), used=st.integers(0, 2**NONCE_WINDOW - 1))
def test_used_nonces_stay_below_the_end(below: int, used: int) -> None:
    # Goal: the base of what can be read never overflows. Method: any used nonces near 2^64; what is
    # no nonce is refused, and behind every other account the next nonce can be used.
    base, used = U64_MAX - below, used & ~1
    account = Account.new(OrganisationId(0), Roles.NONE, public_key("any"))
    account = replace(account, nonce_base=Nonce(base), nonce_used=used)
    if base + used.bit_length() > U64_MAX:
        with pytest.raises(Malformed):
            Account.from_bytes(account.encode())
        return
    assert Account.from_bytes(account.encode()) == account
    if below:
        after = account.use_nonce(Nonce(base))
        assert Account.from_bytes(after.encode()) == after


@given(order=st.permutations(range(20)))
def test_any_order_inside_the_window(order: list[int]) -> None:
    # Goal: order does not matter. Method: use twenty nonces in any order.
    account = Account.new(OrganisationId(0), Roles.NONE, public_key("any"))
    for nonce in order:
        account = account.use_nonce(Nonce(nonce))
    assert (account.nonce_base, account.nonce_used) == (20, 0)
