"""Check the house rules that a program can check; print each breach with its place.

Run as `python -m tools.tidy` in the root of the checkout; exits 1 when a rule is broken.
Every rule is one function that takes a [`Source`] and yields breaches; `RULES` lists them.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from tools import rust_text

LINE_CHARACTERS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600

CODE_SUFFIXES = frozenset({".py", ".pyi", ".rs", ".js", ".css", ".html", ".sh"})
CODE_NAMES = frozenset({"Makefile", "run"})
TEXT_SUFFIXES = CODE_SUFFIXES | {".md", ".toml", ".json", ".yml", ".yaml", ".txt"}
GENERATED_NAMES = frozenset({"Cargo.lock", "uv.lock", "package-lock.json", "LICENSE"})
#: Pages in this folder are reports that a program wrote.
REPORTS = PurePosixPath("bench/results")
FOLDER_HEADS = frozenset({"__init__.py", "mod.rs", "lib.rs", "main.rs", "README.md", "index.md"})
# Folders whose purpose a build tool fixes by their name.
CARGO_FOLDERS = frozenset({"benches", "bin", "examples", "fuzz_targets", "src", "tests"})
UNSAFE_FOLDERS = (
    "crates/bulk/",
    "crates/py/",
    # The interface of modules is C; the crate itself forbids unsafe code.
    "crates/token/examples/",
    "crates/token/tests/",
)
DETERMINISTIC_FOLDERS = ("crates/rules/src/",)

# Written in pieces, so that this file does not break the rules it checks.
MARKERS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
PLACES = re.compile(
    r"/(?:wo" + r"rk|ro" + r"ot|tm" + r"p/brief)/"
    r"|\b(?:py" + r"pi\.org|pythonho" + r"sted\.org|(?:static|index)\.cra" + r"tes\.io"
    r"|registry\.np" + r"mjs\.org|proxy\.gol" + r"ang\.org|deb\.deb" + r"ian\.org)"
    r"|\bissue #?\d"
)
UNFINISHED = re.compile(r"\b(?:to" + r"do|unimpl" + r"emented|dbg)!")
# Strings are blanked where these are sought: two blanks are an empty reason.
PANICS = re.compile(r"\.unwrap(?:_err)?\(\)|\.expect\( {2}\)|\bpanic!\( {0,2}\)")
NOT_DETERMINISTIC = re.compile(
    r"\bHashMap\b|\bHashSet\b|\bSystemTime\b|\bInstant\b|\bf32\b|\bf64\b"
    r"|\brand::|\bstd::(?:fs|net|env)\b|\btokio\b|\basync\b"
)
NOT_IMPERATIVE = frozenset({"a", "an", "the", "this", "these", "module", "file", "utils"})
# Imperative verbs and nouns that end like a third person.
ENDS_LIKE_THIRD_PERSON = re.compile(r"(?:ss|us|is|as)$")


@dataclass(frozen=True)
class Breach:
    """One broken rule: path, line (counted from 1), name of the rule, what to do."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Source:
    """A text file of the checkout, its path relative to the root."""

    path: str
    text: str
    is_test_module: bool = False

    @property
    def pure(self) -> PurePosixPath:
        """Path, to take apart."""
        return PurePosixPath(self.path)

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends."""
        return self.text.splitlines()

    @property
    def is_code(self) -> bool:
        """Whether the limits on lines and files hold."""
        return self.pure.suffix in CODE_SUFFIXES or self.pure.name in CODE_NAMES

    @property
    def is_python(self) -> bool:
        """Whether it is Python source."""
        return self.pure.suffix in {".py", ".pyi"}

    @property
    def is_rust(self) -> bool:
        """Whether it is Rust source."""
        return self.pure.suffix == ".rs"

    @cached_property
    def tree(self) -> ast.Module:
        """Syntax tree of Python source."""
        return ast.parse(self.text)

    @cached_property
    def rust(self) -> str:
        """Rust source with comments and strings blanked."""
        return rust_text.mask(self.text)

    @cached_property
    def is_rust_test(self) -> bool:
        """Whether the whole file is test code."""
        if self.is_test_module:
            return True
        folders = set(self.pure.parts[:-1])
        return (
            bool(folders & {"tests", "benches", "examples", "testkit", "fuzz"})
            or self.pure.stem in {"tests", "build"}
            or self.pure.stem.endswith(("_tests", "_test"))
        )

    def rust_product_lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines of Rust that run in the product, comments and strings blanked."""
        if self.is_rust_test:
            return
        tests = rust_text.lines_of_tests(self.rust)
        numbered = enumerate(self.rust.splitlines(), 1)
        yield from ((number, line) for number, line in numbered if number not in tests)


Rule = Callable[[Source], Iterator[Breach]]


def line_length(source: Source) -> Iterator[Breach]:
    """Lines of code stay within `LINE_CHARACTERS_MAX` characters."""
    if not source.is_code:
        return
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_CHARACTERS_MAX:
            message = f"{len(line)} characters, at most {LINE_CHARACTERS_MAX}"
            yield Breach(source.path, number, "line-length", message)


def file_length(source: Source) -> Iterator[Breach]:
    """Files of code stay within `FILE_LINES_MAX` lines."""
    if source.is_code and len(source.lines) > FILE_LINES_MAX:
        message = f"{len(source.lines)} lines, at most {FILE_LINES_MAX}: split it by purpose"
        yield Breach(source.path, 1, "file-length", message)


def _python_functions(source: Source) -> Iterator[rust_text.Function]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.lineno
        docstring = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
        documented = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
        yield rust_text.Function(node.name, first, (node.end_lineno or first) - documented)


def function_length(source: Source) -> Iterator[Breach]:
    """Functions stay within `FUNCTION_LINES_MAX` lines, documentation not counted."""
    if source.is_python:
        found = list(_python_functions(source))
    elif source.is_rust:
        found = rust_text.functions(source.rust)
    else:
        return
    for function in found:
        if function.lines > FUNCTION_LINES_MAX:
            message = f"`{function.name}` has {function.lines} lines, at most {FUNCTION_LINES_MAX}"
            yield Breach(source.path, function.first_line, "function-length", message)


def _purpose(source: Source) -> str | None:
    """First line of documentation; None for files that need none."""
    first = source.lines[0] if source.lines else ""
    if source.is_python:
        documented = ast.get_docstring(source.tree)
        if documented is None and source.pure.suffix == ".pyi" and first.startswith("#"):
            documented = first[1:]
        return (documented or "").strip().partition("\n")[0]
    if source.is_rust:
        return first[3:].strip() if first.startswith("//!") else ""
    if source.pure.suffix == ".js":
        return first[2:].strip(" */") if first.startswith(("//", "/*")) else ""
    if source.pure.suffix == ".css":
        return first[2:].strip(" */") if first.startswith("/*") else ""
    if source.pure.suffix == ".sh" or source.pure.name in CODE_NAMES:
        told = source.lines[1] if first.startswith("#!") and len(source.lines) > 1 else first
        return told[1:].strip() if told.startswith("#") else ""
    return None


def purpose(source: Source) -> Iterator[Breach]:
    """A module's first line says, as an imperative sentence, what it is for."""
    told = _purpose(source)
    if told is None:
        return
    words = told.split()
    first = words[0].strip("`,.:").lower() if words else ""
    third_person = first.endswith("s") and not ENDS_LIKE_THIRD_PERSON.search(first)
    if len(words) < 2 or first in NOT_IMPERATIVE or third_person:
        message = "the first line must say what it is for, as an imperative sentence"
        yield Breach(source.path, 1, "purpose", message)


def markers(source: Source) -> Iterator[Breach]:
    """No marker of unfinished work stays in the text."""
    for number, line in enumerate(source.lines, 1):
        if found := MARKERS.search(line):
            yield Breach(source.path, number, "marker", f"`{found[0]}`: do it or file it")


def places(source: Source) -> Iterator[Breach]:
    """No path of one machine, no host of a registry, no number of a work item."""
    for number, line in enumerate(source.lines, 1):
        if found := PLACES.search(line):
            message = f"`{found[0]}` means nothing on another machine"
            yield Breach(source.path, number, "place", message)


def whitespace(source: Source) -> Iterator[Breach]:
    """Lines end in one line feed without blanks before it; only Makefiles hold tabs."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if line != line.rstrip() and source.pure.suffix != ".md":
            yield Breach(source.path, number, "whitespace", "blanks at the end of the line")
        if "\t" in line and source.pure.name != "Makefile":
            yield Breach(source.path, number, "whitespace", "tab")
    if source.text and not source.text.endswith("\n"):
        message = "the last line needs a line feed"
        yield Breach(source.path, len(source.lines), "whitespace", message)


def unfinished(source: Source) -> Iterator[Breach]:
    """Rust holds no macro that stands for missing code or for debugging, tests included."""
    if not source.is_rust:
        return
    for number, line in enumerate(source.rust.splitlines(), 1):
        if found := UNFINISHED.search(line):
            yield Breach(source.path, number, "unfinished", f"`{found[0]}`")


def panics(source: Source) -> Iterator[Breach]:
    """Rust outside tests says why it may panic: `expect` with a reason, never `unwrap`."""
    if not source.is_rust:
        return
    for number, line in source.rust_product_lines():
        if found := PANICS.search(line):
            message = f"`{found[0]}`: return an error, or `expect` with the reason it cannot fail"
            yield Breach(source.path, number, "panic", message)


def unsafe_code(source: Source) -> Iterator[Breach]:
    """`unsafe` stays in the two crates that may use it, each block with a SAFETY note."""
    if not source.is_rust:
        return
    for number, line in enumerate(source.rust.splitlines(), 1):
        if not re.search(r"\bunsafe\b", line):
            continue
        before = source.lines[max(0, number - 6) : number]
        if not source.path.startswith(UNSAFE_FOLDERS):
            message = "only " + " and ".join(UNSAFE_FOLDERS) + " may use it"
            yield Breach(source.path, number, "unsafe", message)
        elif not any("SAFETY:" in line for line in before):
            yield Breach(source.path, number, "unsafe", "no SAFETY note above it")


def determinism(source: Source) -> Iterator[Breach]:
    """The chain's rules use no clock, randomness, float, unordered map or I/O."""
    if not source.is_rust or not source.path.startswith(DETERMINISTIC_FOLDERS):
        return
    for number, line in source.rust_product_lines():
        if found := NOT_DETERMINISTIC.search(line):
            message = f"`{found[0]}` can differ between two validators"
            yield Breach(source.path, number, "determinism", message)


def _python_tests(source: Source) -> Iterator[tuple[int, str, str]]:
    """Line, name and the text before the first statement of every Python test."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_"):
            documented = ast.get_docstring(node) is not None
            last = node.body[0].end_lineno if documented else node.body[0].lineno - 1
            yield node.lineno, node.name, "\n".join(source.lines[node.lineno - 1 : last])


def _rust_tests(source: Source) -> Iterator[tuple[int, str, str]]:
    """Line, name and the text around the head of every Rust test."""
    for number, line in enumerate(source.lines, 1):
        if not re.match(r"\s*#\[(?:tokio::)?test\b", line):
            continue
        first = number - 1
        while first and re.match(r"\s*(?://|#\[)", source.lines[first - 1]):
            first -= 1
        head = "\n".join(source.lines[first : number + 8])
        name = re.search(r"\bfn\s+(\w+)", "\n".join(source.lines[number - 1 : number + 8]))
        yield number, name[1] if name else "?", head


def test_head(source: Source) -> Iterator[Breach]:
    """A test starts with its goal and its method."""
    heads: list[tuple[int, str, str]] = []
    if source.is_rust:
        heads += _rust_tests(source)
    elif source.is_python and source.pure.name.startswith("test_"):
        heads += _python_tests(source)
    for number, name, head in heads:
        if "Goal:" not in head or "Method:" not in head:
            message = f"`{name}` must start with `Goal: ... Method: ...`"
            yield Breach(source.path, number, "test-head", message)


RULES: tuple[Rule, ...] = (
    line_length,
    file_length,
    function_length,
    purpose,
    markers,
    places,
    whitespace,
    unfinished,
    panics,
    unsafe_code,
    determinism,
    test_head,
)


def folder_purposes(paths: list[str]) -> Iterator[Breach]:
    """A folder that holds code has a file whose first line says what the folder is for."""
    names: dict[str, set[str]] = {}
    for path in paths:
        pure = PurePosixPath(path)
        names.setdefault(str(pure.parent), set()).add(pure.name)
    for folder, held in sorted(names.items()):
        pure = PurePosixPath(folder)
        has_code = any(PurePosixPath(name).suffix in {".py", ".rs", ".js"} for name in held)
        sibling = f"{pure.name}.rs" in names.get(str(pure.parent), set())
        by_cargo = folder.startswith(("crates/", "fuzz")) and pure.name in CARGO_FOLDERS
        is_told = folder == "." or held & FOLDER_HEADS or sibling or by_cargo
        if has_code and not is_told:
            message = "no file says what this folder is for (__init__.py, mod.rs or README.md)"
            yield Breach(folder, 1, "folder-purpose", message)


def mark_test_modules(sources: list[Source]) -> list[Source]:
    """Mark the Rust files that another one includes as `#[cfg(test)] mod NAME;`."""
    stems: set[str] = set()
    for source in sources:
        if source.is_rust:
            names = re.findall(r"#\[cfg\(test\)\]\s*(?:pub(?:\(\w+\))? )?mod (\w+);", source.rust)
            is_root = source.pure.name in FOLDER_HEADS
            folder = source.pure.parent if is_root else source.pure.with_suffix("")
            stems.update(str(folder / name) for name in names)
    return [
        replace(source, is_test_module=True)
        if str(source.pure.with_suffix("")) in stems or str(source.pure.parent) in stems
        else source
        for source in sources
    ]


def check(sources: list[Source]) -> list[Breach]:
    """Apply every rule to every file.

    Args:
        sources: Files of the checkout; their paths also tell which folders exist.

    Returns:
        Breaches in the order of path and line.
    """
    breaches = list(folder_purposes([source.path for source in sources]))
    for source in mark_test_modules(sources):
        for rule in RULES:
            try:
                breaches += rule(source)
            except SyntaxError as error:
                breaches.append(Breach(source.path, error.lineno or 1, "syntax", str(error)))
                break
    return sorted(set(breaches), key=lambda breach: (breach.path, breach.line, breach.rule))


def read_checkout(root: Path) -> list[Source]:
    """Read every text file that git tracks or would add.

    Args:
        root: Root of the checkout.

    Raises:
        CalledProcessError: `root` is not in a git checkout.
    """
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    sources = []
    for path in sorted(filter(None, listed.decode().split("\0"))):
        pure, file = PurePosixPath(path), root / path
        is_text = pure.suffix in TEXT_SUFFIXES or pure.name in CODE_NAMES
        is_data = pure.suffix == ".json" and file.is_file() and file.stat().st_size > 100_000
        is_data = is_data or (pure.parent == REPORTS and pure.suffix == ".html")
        if is_text and file.is_file() and not is_data and pure.name not in GENERATED_NAMES:
            sources.append(Source(path, file.read_text(encoding="utf-8")))
    return sources


def main() -> int:
    """Check the checkout that holds this file; print breaches and their number."""
    sources = read_checkout(Path(__file__).resolve().parent.parent)
    breaches = check(sources)
    for breach in breaches:
        print(breach)
    print(f"tidy: {len(sources)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
