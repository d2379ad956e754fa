"""Test that copies of a large mapping change apart, and cost what changed."""

from hypothesis import given
from hypothesis import strategies as st

from trine.model.overlay import Overlay

KEYS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers()),
        st.tuples(st.just("remove"), KEYS, st.just(0)),
        st.tuples(st.just("copy"), st.integers(0, 5), st.just(0)),
    ),
    max_size=60,
)


@given(base=st.dictionaries(KEYS, st.integers()), steps=STEPS)
def test_copies_are_those_of_a_dict(
    base: dict[int, int], steps: list[tuple[str, int, int]]
) -> None:
    """Goal: an overlay is a dictionary. Method: the same steps on both, on copies of copies; after
    each, every copy that was ever made has what its dictionary has."""
    pairs = [(Overlay(base), dict(base))]
    for step, key, value in steps:
        made, plain = pairs[-1]
        if step == "set":
            made[key], plain[key] = value, value
        elif step == "remove":
            assert (key in made) == (key in plain)
            assert made.pop(key, None) == plain.pop(key, None)
        else:
            made, plain = pairs[key % len(pairs)]
            pairs.append((made.copy(), plain.copy()))
        for one, other in pairs:
            assert dict(one) == other
            assert len(one) == len(other)
            assert one == Overlay(other)
            assert all(one.get(key) == other.get(key) for key in range(31))


def test_a_copy_costs_what_changed() -> None:
    """Goal: a long chain replays as fast as a short one. Method: count the changes that copies take
    along while ten thousand entries of a large mapping change one by one."""
    overlay = Overlay(dict.fromkeys(range(100000), 0))
    bases = set()
    for key in range(10_000):
        overlay = overlay.copy()
        overlay[key] = 1
        assert len(overlay._changes) ** 2 <= 100_000 + 2 * len(overlay._changes)
        bases.add(id(overlay._base))
    assert len(bases) < 100
    assert sum(overlay.values()) == 10_000
