"""Test that nonces are given once, inside the window."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from trine.client.nonces import Nonces
from trine.types.limits import NONCE_WINDOW


@given(
    st.integers(0, 2**40),
    st.integers(0, 2**128 - 1),
    st.lists(st.tuples(st.integers(1, 60), st.lists(st.booleans(), max_size=60)), max_size=12),
)
def test_no_nonce_is_given_twice(
    base: int, used: int, rounds: list[tuple[int, list[bool]]]
) -> None:
    """Goal: a nonce is out once at a time, and never again once used.

    Method: reserve and finish at random against a plain set.
    """
    nonces = Nonces()
    nonces.learn(base, used)
    spent = {base + bit for bit in range(NONCE_WINDOW) if used >> bit & 1}
    low = base
    for count, outcomes in rounds:
        taken = nonces.reserve(count)
        while low in spent:
            low += 1
        assert len(set(taken)) == len(taken) <= count
        assert not set(taken) & spent
        assert all(low <= nonce < low + NONCE_WINDOW for nonce in taken)
        for place, nonce in enumerate(taken):
            is_used = outcomes[place] if place < len(outcomes) else True
            nonces.finish(nonce, used=is_used)
            if is_used:
                spent.add(nonce)


def test_a_full_window_gives_nothing() -> None:
    """Goal: the window is never left. Method: reserve everything, then one more."""
    nonces = Nonces()
    nonces.learn(5, 0)
    assert len(nonces.reserve(1_000)) == NONCE_WINDOW
    assert nonces.reserve(1) == []


def test_an_older_state_does_not_turn_back() -> None:
    """Goal: a node that is behind confuses nothing. Method: learn a lower base."""
    nonces = Nonces()
    nonces.learn(100, 0)
    nonces.learn(90, 0)
    assert nonces.reserve(1) == [100]


def test_threads_share_an_account() -> None:
    """Goal: safe between threads. Method: 16 threads reserve from one window at once."""
    nonces = Nonces()
    nonces.learn(0, 0)
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: [taken.extend(nonces.reserve(1)) for _ in range(8)])
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(128))
