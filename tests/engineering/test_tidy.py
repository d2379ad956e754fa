"""Test that every house rule fires on what it forbids and only there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools import rust_text, tidy

RUST = "//! Count things.\n\n"
PYTHON = '"""Count things."""\n\n'
LONG_RUST = RUST + "fn long() {\n" + "    step();\n" * 70 + "}\n"
LONG_PYTHON = PYTHON + "def long():\n" + "    step()\n" * 70

# Written in pieces, so that the checker does not find them in this file.
MARKER = "TO" + "DO"
UNFINISHED = "to" + "do!()"
UNWRAP = ".unw" + "rap()"
MACHINE = "/ro" + "ot/x"
HOST = "py" + "pi.org"

BREAKING = [
    ("line-length", "a.py", PYTHON + "x = 1  # " + "y" * 92 + "\n"),
    ("line-length", "Makefile", "# Build things.\n# " + "y" * 99 + "\n"),
    ("file-length", "a.rs", RUST + "// Why.\n" * 599),
    ("function-length", "a.rs", LONG_RUST),
    ("function-length", "a.py", LONG_PYTHON),
    ("purpose", "a.py", "x = 1\n"),
    ("purpose", "a.py", ""),
    ("purpose", "a.py", '"""This module counts."""\n'),
    ("purpose", "a.py", '"""Counts things."""\n'),
    ("purpose", "a.rs", "// Count things.\n"),
    ("purpose", "a.js", "let x = 1;\n"),
    ("purpose", "a.css", "body {}\n"),
    ("purpose", "a.sh", "#!/bin/sh\nset -e\n"),
    ("purpose", "Makefile", "all:\n"),
    ("marker", "a.md", f"# A\n\n{MARKER}: more\n"),
    ("place", "a.md", f"# A\n\nSee {MACHINE}.\n"),
    ("place", "a.toml", f'url = "https://{HOST}/simple"\n'),
    ("place", "a.md", "# A\n\nDone in issue" + " #3.\n"),
    ("whitespace", "a.py", PYTHON + "x = 1 \n"),
    ("whitespace", "a.py", PYTHON + "x = [\n\t1]\n"),
    ("whitespace", "a.py", '"""Count things."""'),
    ("unfinished", "a.rs", RUST + f"fn f() {{ {UNFINISHED} }}\n"),
    ("panic", "a.rs", RUST + f"fn f() {{ g(){UNWRAP}; }}\n"),
    ("panic", "a.rs", RUST + 'fn f() { g().expect(""); }\n'),
    ("unsafe", "crates/node/src/a.rs", RUST + "// SAFETY: fine.\nunsafe { f() }\n"),
    ("unsafe", "crates/py/src/a.rs", RUST + "fn f() { unsafe { g() } }\n"),
    ("determinism", "crates/rules/src/a.rs", RUST + "use std::collections::HashMap;\n"),
    ("determinism", "crates/rules/src/a.rs", RUST + "fn f(x: f64) {}\n"),
    ("test-head", "a.rs", RUST + "#[test]\nfn adds() {}\n"),
    ("test-head", "test_a.py", PYTHON + "def test_a():\n    assert f()\n"),
    ("folder-purpose", "some/folder/a.py", PYTHON),
    ("syntax", "a.py", "def f(:\n"),
]

KEEPING = [
    ("a.py", PYTHON + "x = 1  # " + "y" * 91 + "\n"),
    ("a.rs", RUST + "// Why.\n" * 598),
    ("a.rs", LONG_RUST.replace("    step();\n", "", 1).replace("    step();\n", "", 1)),
    (
        "a.py",
        LONG_PYTHON.replace("long():\n", 'long():\n    """Say\n    it.\n    """\n').replace(
            "    step()\n", "", 1
        ),
    ),
    ("a.rs", RUST + f'fn f() {{ log("g(){UNWRAP}"); }} // {UNFINISHED}\n'),
    ("a.rs", RUST + f"#[cfg(test)]\nmod tests {{\n    fn f() {{ g(){UNWRAP}; }}\n}}\n"),
    ("tests.rs", RUST + f"fn f() {{ g(){UNWRAP}; }}\n"),
    ("a.rs", RUST + 'fn f() { g().expect("a checked length"); }\n'),
    ("crates/py/src/lib.rs", RUST + "// SAFETY: `g` has no conditions.\nunsafe { g() }\n"),
    ("crates/ledger/src/lib.rs", RUST + "use std::collections::HashMap;\n"),
    ("a.rs", RUST + "/// Goal: sums. Method: two numbers.\n#[test]\nfn adds() {}\n"),
    ("a.rs", RUST + "#[test]\nfn adds() {\n    // Goal: sums. Method: two numbers.\n}\n"),
    ("test_a.py", PYTHON + 'def test_a():\n    """Goal: sums. Method: two numbers."""\n'),
    ("test_a.py", PYTHON + "def test_a():\n    # Goal: sums. Method: two numbers.\n    f()\n"),
    ("a.py", '"""Process things."""\n'),
    ("a.pyi", "# Describe the extension to type checkers.\nx: int\n"),
    ("a.md", "# A\n\nTwo blanks break a line.  \n" + "y" * 300 + "\n"),
]


def rules_broken(path: str, text: str) -> set[str]:
    return {breach.rule for breach in tidy.check([tidy.Source(path, text)])}


@pytest.mark.parametrize(("rule", "path", "text"), BREAKING)
def test_rule_fires(rule: str, path: str, text: str) -> None:
    """Goal: each rule can fail. Method: one small file that breaks it, and no other rule."""
    assert rules_broken(path, text) == {rule}


@pytest.mark.parametrize(("path", "text"), KEEPING)
def test_rules_keep_still(path: str, text: str) -> None:
    """Goal: no false alarm. Method: files at each limit, or that only look like a breach."""
    assert rules_broken(path, text) == set()


def test_module_for_tests_alone_may_unwrap() -> None:
    """Goal: test code is known wherever it lies. Method: a module with and without the mark."""
    body = tidy.Source("crates/a/src/chain.rs", RUST + f"fn f() {{ g(){UNWRAP}; }}\n")
    for mark, rules in (("", {"panic"}), ("#[cfg(test)]\n", set())):
        root = tidy.Source("crates/a/src/lib.rs", RUST + f"{mark}mod chain;\n")
        assert {breach.rule for breach in tidy.check([root, body])} == rules


def test_every_rule_is_shown_to_fire() -> None:
    """Goal: no rule without a test. Method: names in the table cover the functions in RULES."""
    shown = {rule.replace("-", "_") for rule, _, _ in BREAKING}
    aliases = {"markers": "marker", "places": "place", "panics": "panic", "unsafe_code": "unsafe"}
    for rule in tidy.RULES:
        assert aliases.get(rule.__name__, rule.__name__) in shown


@given(st.text(alphabet="ab'\"\\/*#r!{}();\n x", max_size=80))
def test_mask_keeps_lines_and_columns(source: str) -> None:
    """Goal: places stay right. Method: any text of Rust's quoting characters; compare shapes."""
    masked = rust_text.mask(source)
    assert [len(line) for line in masked.split("\n")] == [len(line) for line in source.split("\n")]


def test_functions_are_measured_past_braces_in_text() -> None:
    """Goal: braces in strings, characters and comments do not count. Method: one of each."""
    source = "\n".join(
        [
            "fn first<'a>(x: &'a str) -> [u8; 2] {",
            '    let _ = ("}", \'}\', r#"}"}"#); // }',
            "    /* } /* } */ } */",
            "}",
            "trait T { fn none(&self); }",
            "fn second() {}",
        ]
    )
    found = rust_text.functions(rust_text.mask(source))
    assert found == [rust_text.Function("first", 1, 4), rust_text.Function("second", 6, 6)]


def test_this_checkout_is_tidy() -> None:
    """Goal: the rules hold here. Method: run the checker on every file that git knows."""
    root = Path(__file__).resolve().parents[2]
    breaches = tidy.check(tidy.read_checkout(root))
    assert not breaches, "\n".join(map(str, breaches))
