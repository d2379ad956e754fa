"""Run a PostgreSQL primary with synchronous replicas, and a table of accounts in it.

Every transfer is a transaction of its own: two balances change, one row is added. The primary
answers when it and all replicas have the transaction on disk. Nothing is signed, nothing can be
proven afterwards, and the primary is trusted.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trine.bench.peers.postgresql_load import run_pgbench
from trine.bench.peers.postgresql_server import USER, Server, missing, programs, user
from trine.bench.peers.processes import HOST, free_ports, run, temporary_folder, wait_for
from trine.bench.peers.system import NODES, Load, Network, System

ACCOUNTS: Final = 100_000
"""Accounts, each with a balance."""
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
        missing=missing,
        version=_version,
        network=_network,
    )


def _version() -> str:
    folder = programs()
    assert folder is not None, "the version is asked for only where nothing is missing"
    return run([str(folder / "postgres"), "--version"]).split()[2]


@contextlib.contextmanager
def _network() -> Iterator[Network]:
    folder = programs()
    assert folder is not None, "networks start only where nothing is missing"
    with temporary_folder("postgresql") as files, contextlib.ExitStack() as stack:
        yield _Cluster(folder, files, stack).start()


class _Cluster:
    """A primary and its replicas; the stack stops them, the newest first."""

    def __init__(self, folder: Path, files: Path, stack: contextlib.ExitStack) -> None:
        self._pgbench = str(folder / "pgbench")
        self._folder = files
        self._stack = stack
        self._running: list[Any] = []
        self._commands: list[str] = []
        self._primary, *self._replicas = (
            Server(files / name, port, SETTINGS, self._commands)
            for name, port in zip(("primary", *REPLICAS), free_ports(NODES), strict=True)
        )

    def start(self) -> Network:
        """Make the primary and its tables, copy it, start everything."""
        if (name := user()) is not None:
            shutil.chown(self._folder, name)
        primary = self._primary
        primary.make()
        self._serve(primary)
        wait_for(primary.answers, "an answer of PostgreSQL", self._running)
        primary.sql(SCHEMA, accounts=ACCOUNTS)
        for replica in self._replicas:
            name = replica.folder.name
            to = f"host={HOST} port={primary.port} user={USER} application_name={name}"
            words = ("-d", to, "-D", str(replica.folder), "--write-recovery-conf", "-c", "fast")
            replica.run("pg_basebackup", *words)
            self._serve(replica)
        # Only now, since without replicas no transaction would end.
        names = f"FIRST {len(REPLICAS)} ({', '.join(REPLICAS)})"
        primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        primary.sql("SELECT pg_reload_conf()")
        wait_for(self._in_step, "synchronous replication", self._running)
        pids = [process.pid for process, _ in self._running]
        version = _version()

        def load(plan: Load) -> dict[str, Any]:
            command = [self._pgbench, "-h", HOST, "-p", str(primary.port), "-U", USER]
            return run_pgbench(
                command,
                plan,
                folder=self._folder,
                accounts=ACCOUNTS,
                pids=pids,
                version=version,
            )

        return Network(load, self._commands)

    def _serve(self, one: Server) -> None:
        self._running.append((self._stack.enter_context(one.running()), one.log))

    def _in_step(self) -> bool | None:
        found = self._primary.sql(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        )
        return True if int(found) == len(REPLICAS) else None
