"""Build the fuzz targets, let each look for inputs that break a promise, or repeat one input.

    python -m tools.fuzz                        # all but `ENGINE`, FUZZ_SECONDS (10) each
    python -m tools.fuzz proof_body --seconds 600
    python -m tools.fuzz proof_body --input FILE

The targets lie in `fuzz/targets`. They are built by the stable compiler with the coverage that
libFuzzer reads, in a folder of their own: what the product is made of is never instrumented.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import fuzz_seeds

ROOT = fuzz_seeds.ROOT
FUZZ = ROOT / "fuzz"
CORPUS = FUZZ / "corpus"
ARTIFACTS = FUZZ / "artifacts"
#: Targets that bring the BFT library: minutes to build, so they run only when named.
ENGINE = frozenset({"engine_block", "engine_final", "engine_log", "engine_operations"})
#: Targets that read JSON; they get its texts as a dictionary.
JSON_TARGETS = frozenset({"genesis", "trust"})

SECONDS = 10
#: An input that takes longer than this many seconds counts as a failure.
INPUT_SECONDS_MAX = 10
MEMORY_MIB_MAX = 2_048
#: Lines of a failed run that are shown where nothing panicked.
SHOWN_LINES = 40

#: What cargo-fuzz passes, without a sanitizer: those need another compiler.
COVERAGE = (
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
)


@dataclass(frozen=True)
class Run:
    """What came of one target."""

    target: str
    good: bool
    output: str

    def told(self) -> str:
        """Sum up in one line."""
        executed = self._last(r"stat::number_of_executed_units: (\d+)")
        rate = self._last(r"stat::average_exec_per_sec: +(\d+)")
        edges, features = self._last(r"cov: (\d+)"), self._last(r"ft: (\d+)")
        inputs = self._last(r"corp: (\d+)")
        verdict = "good" if self.good else "FAILED"
        return (
            f"{self.target:17} {verdict:6} {executed:>10,} runs {rate:>8,}/s"
            f" {edges:>6,} edges {features:>7,} features {inputs:>6,} inputs"
        )

    def _last(self, pattern: str) -> int:
        found = re.findall(pattern, self.output)
        return int(found[-1]) if found else 0


def targets() -> list[str]:
    """Names of all targets, in order."""
    return sorted(path.stem for path in (FUZZ / "targets").glob("*.rs"))


def _host() -> str:
    answer = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True, cwd=FUZZ)
    return answer.stdout.partition("host: ")[2].split("\n")[0]


def build(names: list[str]) -> Path:
    """Build targets.

    Args:
        names: Targets.

    Returns:
        Folder that holds the programs.

    Raises:
        CalledProcessError: A target does not compile.
    """
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "fuzz"
    # With a named host, the flags reach what runs here but not what only builds.
    host = _host()
    environment = os.environ | {"CARGO_TARGET_DIR": str(folder), "RUSTFLAGS": " ".join(COVERAGE)}
    chosen = [argument for name in names for argument in ("--bin", name)]
    command = ["cargo", "build", "--quiet", "--locked", "--target", host, *chosen]
    if ENGINE.intersection(names):
        command += ["--features", "engine"]
    subprocess.run(command, check=True, cwd=FUZZ, env=environment)
    return folder / host / "debug"


def write_seeds() -> None:
    """Put the first inputs and dictionaries where the targets look for them."""
    for target, inputs in fuzz_seeds.seeds().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for data in inputs:
            (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
        if target in JSON_TARGETS:
            quoted = (word.decode().replace('"', '\\"') for word in fuzz_seeds.words(inputs))
            lines = "".join(f'"{word}"\n' for word in quoted)
            (CORPUS / f"{target}.dict").write_text(lines, encoding="ascii")


def _run(program: Path, seconds: int) -> Run:
    target = program.name
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}",
        f"-artifact_prefix={ARTIFACTS / target}-",
        "-print_final_stats=1",
    ]
    if target in JSON_TARGETS:
        options.append(f"-dict={CORPUS / target}.dict")
    done = subprocess.run(
        [program, *options, CORPUS / target],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Run(target, done.returncode == 0, done.stdout)


def _explain(run: Run) -> None:
    """Show why a run failed and how to repeat it."""
    # The panic's sentence and place; where there is none, libFuzzer's own words at the end.
    panic = re.search(
        r"^thread .* panicked at (?:.*\n)+?(?=stack backtrace|note:|==)", run.output, re.M
    )
    end = "\n".join(run.output.splitlines()[-SHOWN_LINES:])
    print(f"{run.target}: {panic[0].strip() if panic else end}", file=sys.stderr)
    written = re.findall(r"Test unit written to (\S+)", run.output)
    if written:
        path = os.path.relpath(written[-1], ROOT)
        print(f"repeat it: python -m tools.fuzz {run.target} --input {path}", file=sys.stderr)


def fuzz(names: list[str], seconds: int, at_once: int) -> int:
    """Build targets, run each, and say what came of it.

    Args:
        names: Targets.
        seconds: Time for each.
        at_once: Targets that run at the same time.

    Returns:
        0 when no target failed, else 1.
    """
    print(f"building {len(names)} targets (the first time takes minutes)", file=sys.stderr)
    programs = build(names)
    write_seeds()
    ARTIFACTS.mkdir(exist_ok=True)
    failed = []
    with ThreadPoolExecutor(at_once) as pool:
        for run in pool.map(lambda name: _run(programs / name, seconds), names):
            print(run.told(), file=sys.stderr, flush=True)
            if not run.good:
                failed.append(run)
    for run in failed:
        _explain(run)
    return int(bool(failed))


def repeat(target: str, path: Path) -> int:
    """Run a target once, on one input.

    Args:
        target: Target.
        path: File that holds the input.

    Returns:
        0 when the target keeps its promises, else 1.
    """
    program = build([target]) / target
    environment = {"RUST_BACKTRACE": "1"} | os.environ
    done = subprocess.run([program, path.resolve()], check=False, env=environment)
    return int(done.returncode != 0)


def disagreements(product: str, fuzzing: str) -> list[str]:
    """Find the libraries that the targets would be built from in other versions.

    Args:
        product: Lock file of the product.
        fuzzing: Lock file of the targets.

    Returns:
        One sentence a library that both name, but not in the same versions.
    """
    first, second = (_versions(text) for text in (product, fuzzing))
    return [
        f"{name}: the targets lock {', '.join(sorted(versions))},"
        f" the product {', '.join(sorted(first[name]))}"
        for name, versions in sorted(second.items())
        if name in first and not versions <= first[name]
    ]


def _versions(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(lock)["package"]:
        found.setdefault(package["name"], set()).add(package["version"])
    return found


def main() -> int:
    """Read the command line and do what it asks."""
    known = targets()
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description="Fuzz the decoders.")
    parser.add_argument("target", nargs="*", help=f"which of: {', '.join(known)}")
    asked = int(os.environ.get("FUZZ_SECONDS") or SECONDS)
    parser.add_argument("--seconds", type=int, default=asked, help="time for each target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at once")
    parser.add_argument("--input", type=Path, help="run the target once, on this file")
    options = parser.parse_args()
    if unknown := sorted(set(options.target) - set(known)):
        parser.error(f"no target {unknown[0]!r}; there are: {', '.join(known)}")
    if options.input is None:
        return fuzz(options.target or sorted(set(known) - ENGINE), options.seconds, options.jobs)
    if len(options.target) != 1 or not options.input.is_file():
        parser.error("name one target and an existing file: TARGET --input FILE")
    return repeat(options.target[0], options.input)


if __name__ == "__main__":
    sys.exit(main())
