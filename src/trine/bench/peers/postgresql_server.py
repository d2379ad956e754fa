"""Run a server of PostgreSQL, out of the programs that Debian brings."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trine.bench.peers.processes import HOST, free_ports, run, server, temporary_folder, wait_for

USER: Final = "postgres"
"""Role in the database, and the user whose rights the servers have where this process is root."""
PROGRAMS: Final = ("initdb", "postgres", "pg_basebackup", "psql", "pgbench")
"""What the Debian package `postgresql-15` brings."""
DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version."""


def programs() -> Path | None:
    """Find the folder of the programs: the newest of Debian's, or one on the path."""
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name, reverse=True)
    found = shutil.which("initdb")
    if found:
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if all((folder / name).is_file() for name in PROGRAMS):
            return folder
    return None


def missing() -> str | None:
    """Say what this machine lacks; nothing where servers can be run."""
    if programs() is None:
        return f"the programs {', '.join(PROGRAMS)} are not all there: apt-get install postgresql"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root: useradd --system {USER}"
    return None


def user() -> str | None:
    """Return whose rights the servers have, where it is not this process's own."""
    return USER if os.geteuid() == 0 else None


@dataclass
class Server:
    """A server whose files lie in a folder that `user()` may write.

    Attributes:
        folder: Where its files are, or will be.
        port: Where it listens, on `HOST`.
        settings: Settings that are not the defaults.
        commands: The commands that were run, for a document.
    """

    folder: Path
    port: int
    settings: Mapping[str, str]
    commands: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://{USER}@{HOST}:{self.port}/{database}"

    def make(self) -> None:
        """Make its files, with one role, which needs no password."""
        words = ("--no-locale", "--encoding=UTF8", "--auth=trust", f"--username={USER}")
        self.run("initdb", *words, "-D", str(self.folder))

    def run(self, program: str, *words: str) -> None:
        """Run one of the programs to its end."""
        run([str(_folder() / program), *words], user=user())
        shown = " ".join([program, *words])
        self.commands.append(shown.replace(f"{self.folder.parent}/", ""))

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Keep it running; it ends its connections when it is stopped."""
        settings = {**self.settings, "port": str(self.port), "listen_addresses": HOST}
        settings["unix_socket_directories"] = ""
        words = [f"--{key}={value}" for key, value in settings.items()]
        command = [str(_folder() / "postgres"), "-D", str(self.folder), *words]
        self.commands.append(" ".join(["postgres", "-D", self.folder.name, *words]))
        with server(command, self.log, user=user(), stop=signal.SIGINT) as process:
            yield process

    def sql(self, text: str, database: str = USER, **values: object) -> str:
        """Run statements, in which `:name` stands for a value; returns what they give."""
        words = ("-h", HOST, "-p", str(self.port), "-U", USER, "-d", database)
        # Neither a person's settings nor headings.
        quiet = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        given = (f"--set={name}={value}" for name, value in values.items())
        return run([str(_folder() / "psql"), *words, *quiet, *given], text=text)

    def answers(self) -> bool | None:
        """Say whether it takes connections; nothing while it does not."""
        words = ("-h", HOST, "-p", str(self.port), "-U", USER)
        with contextlib.suppress(Exception):
            run([str(_folder() / "pg_isready"), *words])
            return True
        return None

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until it takes connections.

        Raises:
            NodeStopped, NotFinalizing: It ended, or takes too long.
        """
        wait_for(self.answers, "an answer of PostgreSQL", [(process, self.log)])


@contextlib.contextmanager
def new_server(settings: Mapping[str, str]) -> Iterator[Server]:
    """Make the files of a server, which is not started yet; they are removed at the end."""
    with temporary_folder("database") as folder:
        if (name := user()) is not None:
            shutil.chown(folder, name)
        (port,) = free_ports(1)
        made = Server(folder / "server", port, settings)
        made.make()
        yield made


def _folder() -> Path:
    found = programs()
    assert found is not None, "servers run only where nothing is missing"
    return found
