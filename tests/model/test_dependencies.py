"""Check that the model depends on nothing that it is compared with."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import trine.model

FOLDER = Path(trine.model.__file__).parent
ALLOWED = sys.stdlib_module_names | {"cryptography"}


def imported(source: str) -> Iterator[str]:
    """List the modules that a source file imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            yield node.module or ""


def test_the_model_imports_the_standard_library_and_itself() -> None:
    # Goal: the model is a second opinion, not the first one again. Method: read every import.
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 30
    for file in files:
        for name in imported(file.read_text()):
            allowed = name.split(".")[0] in ALLOWED or name.startswith("trine.model")
            assert allowed, f"{file.name} imports {name}"
