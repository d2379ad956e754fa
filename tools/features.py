"""Check that tests and extension ask the same features of every library.

Cargo compiles a library once for each set of features. The engine takes minutes, so a test that
asks one feature more of one library below it would compile all of it twice.

    python -m tools.features
"""

import re
import subprocess
import sys

#: Our own crates may differ: nothing heavy stands on them.
OWN = "trine-"


def features(*arguments: str) -> dict[str, str]:
    """Ask cargo for the features of every library in a build.

    Args:
        arguments: What is built, as arguments of `cargo tree`.

    Returns:
        Features by library and version.
    """
    command = ["cargo", "tree", "--locked", "--format", "{p}|{f}", "--prefix", "none", *arguments]
    tree = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {}
    for line in tree.splitlines():
        package, _, asked = re.sub(r" \(\*\)$", "", line).partition("|")
        if package:
            found[" ".join(package.split()[:2])] = asked
    return found


def differences(extension: dict[str, str], tests: dict[str, str]) -> list[str]:
    """Name the libraries in both builds whose features differ.

    Args:
        extension: Features in the build of the extension.
        tests: Features in the build of the tests.

    Returns:
        One sentence a library.
    """
    return [
        f"{library}: the tests ask for [{tests[library]}], the extension for [{asked}]"
        for library, asked in sorted(extension.items())
        if library in tests and tests[library] != asked and not library.startswith(OWN)
    ]


def main() -> int:
    """Compare the two builds.

    Returns:
        0 when they agree, else 1.
    """
    extension = features("--package", "trine-py", "--edges", "normal,build")
    tests = features("--workspace", "--edges", "normal,build,dev")
    found = differences(extension, tests)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found:
        print("ask for the feature in [workspace.dependencies] of Cargo.toml", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
