"""Fetch veraPDF, the validator of PDF/A, once, outside the checkout; print where it lies.

Run as `python -m tools.verapdf`; needs Maven Central the first time, and Java to be used. The
jar is the command-line program with all it needs, by the veraPDF Consortium (MPL 2.0 or GPL 3, at
choice); it judges what the tests make and is no part of Trine.
"""

import hashlib
import os
import subprocess
import urllib.request
from pathlib import Path

VERSION = "1.28.2"
URL = (
    "https://repo1.maven.org/maven2/org/verapdf/apps/greenfield-apps/"
    f"{VERSION}/greenfield-apps-{VERSION}.jar"
)
SHA256 = "687d4d8bcfec48c9f7e931cf78ed061f1eeccfba55d4cdc000ba9b4d8aa46ce6"
MAIN = "org.verapdf.apps.GreenfieldCliWrapper"
FETCH_SECONDS_MAX = 60
RUN_SECONDS_MAX = 120


def fetch() -> Path:
    """Return the jar, fetched where it is not there yet.

    Raises:
        OSError: Maven Central cannot be reached.
        ValueError: What it gave has another digest.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jar = caches / "trine-tools" / f"verapdf-{VERSION}.jar"
    if not jar.exists():
        with urllib.request.urlopen(URL, timeout=FETCH_SECONDS_MAX) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise ValueError(f"{URL} has another digest than the one expected")
        jar.parent.mkdir(parents=True, exist_ok=True)
        partial = jar.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(content)
        partial.replace(jar)
    return jar


def validate(jar: Path, files: list[Path], flavour: str = "3u") -> str:
    """Validate PDFs; returns a line a file, `PASS` or `FAIL` first, and the rules that failed."""
    options = ["--flavour", flavour, "--format", "text", "-v"]
    command: list[str | Path] = ["java", "-cp", jar, MAIN, *options, *files]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False
    )
    return done.stdout or done.stderr


if __name__ == "__main__":
    print(fetch())
