"""Find the test vectors that lie beside the checkout."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def vectors(folder: str, shared: Path = SHARED) -> Path:
    """Folder of vectors, such as `merkle/transparency-dev`.

    Skips the calling test where no shared folder lies beside the checkout, and fails it where
    the shared folder lacks the vectors: then the name is wrong.

    Args:
        folder: Path below `../shared/vectors`.
        shared: The shared folder; another one only in this helper's own test.
    """
    found = shared / "vectors" / folder
    if not shared.is_dir():
        pytest.skip("no test vectors: the folder `shared` is not beside the checkout")
    if not found.is_dir():
        pytest.fail(f"no test vectors `{folder}` in the folder `shared` beside the checkout")
    return found
