"""Read Rust source as text: blank out what is not code, find functions and test code."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>\bb?r(?P<hashes>\#*)")
    | (?P<string>b?"(?:[^"\\]|\\.)*")
    | (?P<char>b?'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.))')
    """,
    re.VERBOSE | re.DOTALL,
)
_FUNCTION = re.compile(r"\bfn\s+(\w+)")
_TEST_MODULE = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*\))\)\]")


@dataclass(frozen=True)
class Function:
    """A function with a body: its name and first and last line, counted from 1."""

    name: str
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        """Length in lines, signature and braces included."""
        return self.last_line - self.first_line + 1


def _end_of_block_comment(source: str, start: int) -> int:
    depth, at = 1, start + 2
    while depth and at < len(source):
        if source.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif source.startswith("*/", at):
            depth, at = depth - 1, at + 2
        else:
            at += 1
    return at


def _end_of_token(source: str, match: re.Match[str]) -> int:
    if match["block"]:
        return _end_of_block_comment(source, match.start())
    if match["raw"]:
        closing = source.find('"' + match["hashes"], match.end())
        return len(source) if closing < 0 else closing + 1 + len(match["hashes"])
    return match.end()


def mask(source: str) -> str:
    """Blank comments, strings and characters; lines and columns stay.

    Args:
        source: Rust source, well-formed or not.
    """
    pieces: list[str] = []
    at = 0
    while match := _TOKEN.search(source, at):
        end = _end_of_token(source, match)
        pieces.append(source[at : match.start()])
        pieces.append(re.sub(r"[^\n]", " ", source[match.start() : end]))
        at = end
    pieces.append(source[at:])
    return "".join(pieces)


def _body_end(masked: str, start: int) -> tuple[int, int] | None:
    """Span of the braces that open after `start`; None where `;` comes first."""
    depth, brackets, opened = 0, 0, -1
    for at in range(start, len(masked)):
        character = masked[at]
        if character in "([":
            brackets += 1
        elif character in ")]":
            brackets -= 1
        elif character == ";" and opened < 0 and brackets == 0:
            return None
        elif character == "{":
            opened = at if opened < 0 else opened
            depth += 1
        elif character == "}":
            depth -= 1
            if depth <= 0:
                return (opened, at) if opened >= 0 else None
    return None


def functions(masked: str) -> list[Function]:
    """Every function that has a body, in order of appearance.

    Args:
        masked: What [`mask`] returned.
    """
    found = []
    for match in _FUNCTION.finditer(masked):
        if span := _body_end(masked, match.end()):
            first = masked.count("\n", 0, match.start()) + 1
            last = masked.count("\n", 0, span[1]) + 1
            found.append(Function(match[1], first, last))
    return found


def lines_of_tests(masked: str) -> set[int]:
    """Numbers of the lines inside items marked `#[cfg(test)]`.

    Args:
        masked: What [`mask`] returned.
    """
    lines: set[int] = set()
    for match in _TEST_MODULE.finditer(masked):
        span = _body_end(masked, match.end())
        end = span[1] if span else match.end()
        first = masked.count("\n", 0, match.start()) + 1
        lines.update(range(first, masked.count("\n", 0, end) + 2))
    return lines
