"""Compare what the model and the Rust core say about genesis documents."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import people
from trine._core.memory_chain import MemoryChain
from trine.errors import BadGenesis
from trine.model import Chain, GenesisError, read_genesis
from trine.model.json_fields import canonical_json

VALUES = (
    None,
    True,
    0,
    1,
    -1,
    7,
    8,
    1_000_000,
    1_000_001,
    2**32,
    2**64 - 1,
    2**64,
    1.5,
    "",
    "a",
    "A",
    "ed25519",
    "administrator",
    "trine-genesis-v1",
    "intl",
    "é",
    "x" * 33,
    "x" * 128,
    "x" * 129,
    "x" * 300,
    'quote " \\ \x01 \b \x7f \u2028 \U0001f600',
    "ff" * 32,
    [],
    {},
    ["a"],
    [1],
    {"a": 1},
    {"approval_percent": 100},
    {"quota_window_ms": 1_000},
)
"""Values that stand in for any field."""

COUNTS = (None, True, 0, 5, 10_000_001, 2**64, "3")
"""Values that stand in for the number of generated accounts."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the path of everything in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for name in value:
            found += places(value[name], (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def changed(document: bytes, random: Random) -> bytes:
    """Change one place of a document: another value, none, twice the same, or a new field."""
    value = json.loads(document)
    value["generated_accounts"] = {"organisation": 0, "seed": "s", "count": 3, "balance": 5}
    *path, last = random.choice(places(value))
    parent = value
    for step in path:
        parent = parent[step]
    match random.randint(0, 4):
        case 0:
            del parent[last]
        case 1 if isinstance(parent, list):
            parent.append(parent[last])
        case 2 if isinstance(parent, dict):
            parent["extra"] = 1
        case _:
            # More accounts than a few take long to make, unless they are refused.
            parent[last] = random.choice(COUNTS if last == "count" else VALUES)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 2)))
    return text.encode()


@settings(deadline=None, max_examples=400)
@given(seed=st.integers(0, 2**64))
def test_model_and_core_agree_on_documents(seed: int) -> None:
    # Goal: the same documents start the same chain. Method: change one place of a good document;
    # both refuse it, or both give the same chain id and state.
    document = changed(people.genesis(), Random(seed))
    try:
        core = MemoryChain(document)
    except BadGenesis:
        with pytest.raises(GenesisError):
            read_genesis(document)
        return
    chain = Chain.from_genesis(document)
    assert core.chain_id() == chain.chain_id
    assert core.state_digest() == chain.state_digest


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"format": "trine-genesis-v1", "format": "trine-genesis-v1"}',
        b'{"name": "\\ud800"}',
        b'{"time_ms": NaN}',
        b'{"time_ms": -0}',
        b'{"time_ms": 1e3}',
        b"[" * 100_000,
    ],
)
def test_text_that_is_no_document_is_refused(text: bytes) -> None:
    # Goal: one kind of error. Method: examples of what JSON readers stumble over.
    with pytest.raises(GenesisError):
        read_genesis(text)
    with pytest.raises(BadGenesis):
        MemoryChain(text)


def test_a_document_can_be_read_in_one_way_only() -> None:
    # Goal: no reader can believe another document. Method: a parameter twice, lists for objects.
    good = people.genesis(parameters={"account_quota": 5})
    twice = good.replace(b'"account_quota": 5', b'"account_quota": 5, "account_quota": 6')
    listed = json.loads(good)
    listed["validators"] = [list(one.values()) for one in listed["validators"]]
    generated = json.loads(good) | {"generated_accounts": [0, "seed", 3, 5]}
    for document in (twice, json.dumps(listed).encode(), json.dumps(generated).encode()):
        with pytest.raises(GenesisError):
            read_genesis(document)
        with pytest.raises(BadGenesis):
            MemoryChain(document)


def test_the_order_and_form_of_fields_do_not_matter() -> None:
    # Goal: the chain id is of the content. Method: write the same document differently.
    document = json.loads(people.genesis())
    turned = dict(reversed(document.items()))
    texts = [json.dumps(document), json.dumps(turned, indent=3), json.dumps(turned)]
    assert len({read_genesis(text.encode()).chain_id() for text in texts}) == 1
    document["time_ms"] += 1
    assert (
        read_genesis(json.dumps(document).encode()).chain_id()
        != Chain.from_genesis(people.genesis()).chain_id
    )


def test_canonical_json_escapes_only_what_it_must() -> None:
    # Goal: RFC 8785, section 3.2.2.2. Method: its characters.
    value = {"\u20ac": '\u20ac$\u000f\nA\'B"\\\\"/', "a": [1, 2**64 - 1, True, None]}
    expected = (
        '{"a":[1,18446744073709551615,true,null],"\u20ac":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(value).decode() == expected
