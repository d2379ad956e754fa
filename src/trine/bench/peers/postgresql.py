"""Run a PostgreSQL primary with synchronous replicas, and a table of accounts in it.

Every transfer is a transaction of its own: two balances change, one row is added. The primary
answers when it and all replicas have the transaction on disk. Nothing is signed, nothing can be
proven afterwards, and the primary is trusted.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trine.bench.peers.postgresql_load import run_pgbench
from trine.bench.peers.processes import HOST, free_ports, run, server, temporary_folder, wait_for
from trine.bench.peers.system import NODES, Load, Network, System

USER: Final = "postgres"
"""Role in the database, and the user whose rights the servers have where this process is root."""
ACCOUNTS: Final = 100_000
"""Accounts, each with a balance."""
PROGRAMS: Final = ("initdb", "postgres", "pg_basebackup", "psql", "pgbench")
"""What the Debian package `postgresql-15` brings."""
DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version."""
REPLICAS: Final = tuple(f"replica{place}" for place in range(1, NODES))
"""Names by which the primary knows the replicas."""
SETTINGS: Final = {
    "fsync": "on",
    "max_connections": "120",
    "shared_buffers": "256MB",
    # No checkpoint falls into a run of a minute.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "wal_compression": "lz4",
    # A replica that starts slowly finds the log it needs.
    "wal_keep_size": "1GB",
    # Log files grow as they are written: where they are filled beforehand, the kernel counts a
    # whole large page for each record written into them, twenty times what reached the disk.
    "wal_init_zero": "off",
    "wal_recycle": "off",
}
"""Settings of all servers that are not the defaults, and `fsync`, which is."""
SCHEMA: Final = """
CREATE TABLE accounts (id integer PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0))
    WITH (fillfactor = 50);
CREATE TABLE transfers (id bigserial PRIMARY KEY, sender integer NOT NULL,
    recipient integer NOT NULL, amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
INSERT INTO accounts SELECT number, 1000000000000 FROM generate_series(1, :accounts) AS number;
CREATE FUNCTION transfer(payer integer, payee integer, moved bigint) RETURNS void AS $$
BEGIN
    UPDATE accounts SET balance = balance - moved WHERE id = payer;
    UPDATE accounts SET balance = balance + moved WHERE id = payee;
    INSERT INTO transfers (sender, recipient, amount) VALUES (payer, payee, moved);
END $$ LANGUAGE plpgsql;
VACUUM ANALYZE accounts;
"""
"""Tables and the transfer. Free room in the pages of accounts lets updates stay in them."""


def system() -> System:
    """Describe PostgreSQL."""
    return System(
        name="postgresql",
        title="PostgreSQL",
        signed=False,
        about=(
            "unsigned transfers, each a transaction of its own, not batched; final when primary "
            "and three replicas have it on disk (synchronous_commit = on); the primary is trusted"
        ),
        missing=_missing,
        version=_version,
        network=_network,
    )


def _programs() -> Path | None:
    """Find the folder of the programs: the newest of Debian's, or one on the path."""
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name, reverse=True)
    found = shutil.which("initdb")
    if found:
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if all((folder / name).is_file() for name in PROGRAMS):
            return folder
    return None


def _missing() -> str | None:
    if _programs() is None:
        return f"the programs {', '.join(PROGRAMS)} are not all there: apt-get install postgresql"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root: useradd --system {USER}"
    return None


def _version() -> str:
    folder = _programs()
    assert folder is not None, "the version is asked for only where nothing is missing"
    return run([str(folder / "postgres"), "--version"]).split()[2]


@contextlib.contextmanager
def _network() -> Iterator[Network]:
    programs = _programs()
    assert programs is not None, "networks start only where nothing is missing"
    with temporary_folder("postgresql") as folder, contextlib.ExitStack() as stack:
        yield _Cluster(programs, folder, stack).start()


class _Cluster:
    """A primary and its replicas; the stack stops them, the newest first."""

    def __init__(self, programs: Path, folder: Path, stack: contextlib.ExitStack) -> None:
        self._programs = programs
        self._folder = folder
        self._stack = stack
        self._user = USER if os.geteuid() == 0 else None
        self._servers: list[Any] = []
        self._commands: list[str] = []
        self._ports = dict(zip(("primary", *REPLICAS), free_ports(NODES), strict=True))

    def start(self) -> Network:
        """Make the primary and its tables, copy it, start everything."""
        if self._user:
            shutil.chown(self._folder, self._user)
        words = ("--no-locale", "--encoding=UTF8", "--auth=trust", f"--username={USER}")
        self._run("initdb", *words, "-D", str(self._folder / "primary"))
        self._serve("primary")
        wait_for(self._answers, "an answer of PostgreSQL", self._servers)
        self._sql(SCHEMA)
        for name in REPLICAS:
            to = f"host={HOST} port={self._ports['primary']} user={USER} application_name={name}"
            data = str(self._folder / name)
            self._run("pg_basebackup", "-d", to, "-D", data, "--write-recovery-conf", "-c", "fast")
            self._serve(name)
        # Only now, since without replicas no transaction would end.
        self._sql(f"ALTER SYSTEM SET synchronous_standby_names = '{self._synchronous}'")
        self._sql("SELECT pg_reload_conf()")
        wait_for(self._in_step, "synchronous replication", self._servers)
        pids = [process.pid for process, _ in self._servers]
        version = _version()

        def load(plan: Load) -> dict[str, Any]:
            words = ["-h", HOST, "-p", str(self._ports["primary"]), "-U", USER]
            command = [str(self._programs / "pgbench"), *words]
            return run_pgbench(
                command,
                plan,
                folder=self._folder,
                accounts=ACCOUNTS,
                pids=pids,
                version=version,
            )

        return Network(load, self._commands)

    @property
    def _synchronous(self) -> str:
        return f"FIRST {len(REPLICAS)} ({', '.join(REPLICAS)})"

    def _serve(self, name: str) -> None:
        settings = {**SETTINGS, "port": str(self._ports[name]), "listen_addresses": HOST}
        settings["unix_socket_directories"] = ""
        words = [f"--{key}={value}" for key, value in settings.items()]
        command = [str(self._programs / "postgres"), "-D", str(self._folder / name), *words]
        log = self._folder / f"{name}.log"
        started = server(command, log, user=self._user, stop=signal.SIGINT)
        self._servers.append((self._stack.enter_context(started), log))
        self._commands.append(" ".join(["postgres", "-D", name, *words]))

    def _run(self, program: str, *words: str) -> None:
        run([str(self._programs / program), *words], user=self._user)
        self._commands.append(" ".join([program, *words]).replace(f"{self._folder}/", ""))

    def _sql(self, text: str) -> str:
        words = ("-h", HOST, "-p", str(self._ports["primary"]), "-U", USER)
        # Neither a person's settings nor headings.
        quiet = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        values = (f"--set=accounts={ACCOUNTS}",)
        return run([str(self._programs / "psql"), *words, *quiet, *values], text=text)

    def _answers(self) -> bool | None:
        words = ("-h", HOST, "-p", str(self._ports["primary"]), "-U", USER)
        with contextlib.suppress(Exception):
            run([str(self._programs / "pg_isready"), *words])
            return True
        return None

    def _in_step(self) -> bool | None:
        found = self._sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        return True if int(found) == len(REPLICAS) else None
