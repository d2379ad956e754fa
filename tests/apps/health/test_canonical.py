"""Test that a value has one canonical form, and two values never share it."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.apps.health.canonical import canonical
from trine.apps.health.reading import parse
from trine.errors.health import NotJson, NumberOutOfRange

_DECIMALS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**18),
    st.integers(-30, -1),
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | _DECIMALS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    """Goal: nothing is lost, decimals to the last zero. Method: write, read, compare, write."""
    written = canonical(value)
    read = parse(written)
    assert shown(read) == shown(value)
    assert canonical(read) == written


@given(VALUES, st.integers())
def test_order_and_blanks_do_not_matter(value: Any, seed: int) -> None:
    """Goal: one form for what is the same. Method: shuffle members, add blanks and escapes."""
    chance = random.Random(seed)
    text = written_otherwise(value, chance)
    assert canonical(parse(text.encode())) == canonical(value)


@given(VALUES, VALUES)
def test_different_values_have_different_forms(one: Any, other: Any) -> None:
    """Goal: a form stands for one value. Method: pairs of values; forms agree as values do."""
    assert (canonical(one) == canonical(other)) == (shown(one) == shown(other))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b"1.0", b"1.0"),
        (b"1.00", b"1.00"),
        (b"100", b"100"),
        (b"1e2", b"1E+2"),
        (b"1E+2", b"1E+2"),
        (b"0.0000001", b"1E-7"),
        (b"-0", b"-0"),
        (b"-0.0", b"-0.0"),
        (b"12345678901234567890.123", b"12345678901234567890.123"),
        (
            b'"\\u20ac\\u000f\\u0000\\nA\'\\u0042\\"\\\\\\/"',
            '"€\\u000f\\u0000\\nA\'B\\"\\\\/"'.encode(),
        ),
        (b'{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3}', '{"€":3,"😀":2,"\ufb33":1}'.encode()),
    ],
)  # fmt: skip
def test_known_forms(text: bytes, form: bytes) -> None:
    """Goal: the form is the documented one.

    Method: numbers by hand; escapes and order of RFC 8785, sections 3.2.2 and 3.2.3, where a
    member beyond the basic plane sorts before one at its end.
    """
    assert canonical(parse(text)) == form


def test_half_a_pair_is_refused() -> None:
    """Goal: nothing that UTF-8 cannot write is committed. Method: an unpaired surrogate."""
    with pytest.raises(NotJson):
        canonical(parse(b'{"a": "\\ud83d"}'))


_TOKENS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,38})(\.[0-9]{1,38})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@given(_TOKENS)
def test_the_form_of_any_number_that_is_read_is_read(token: str) -> None:
    """Goal: no record is committed that its reader refuses. Method: numbers around the limits."""
    try:
        written = canonical(parse(token.encode()))
    except NumberOutOfRange:
        return
    assert canonical(parse(written)) == written


def shown(value: Any) -> str:
    """Tell values apart that Python calls equal: `1`, `True`, `1.0` and `1.00`."""
    if isinstance(value, dict):
        return f"object{sorted((name, shown(item)) for name, item in value.items())}"
    if isinstance(value, list):
        return repr([shown(item) for item in value])
    return repr(value)


def written_otherwise(value: Any, chance: random.Random) -> str:
    """Write a value as another program might."""
    blank = chance.choice(("", " ", "\n\t"))
    if isinstance(value, dict):
        members = list(value.items())
        chance.shuffle(members)
        written = [
            f"{json.dumps(name)}{blank}:{written_otherwise(item, chance)}" for name, item in members
        ]
        return f"{{{blank}{f',{blank}'.join(written)}{blank}}}"
    if isinstance(value, list):
        return f"[{blank}{f'{blank},'.join(written_otherwise(one, chance) for one in value)}]"
    if isinstance(value, Decimal):
        return str(value).replace("E", "e")
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)
