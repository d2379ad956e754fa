"""Make certified chains and archives of them, right ones and altered ones, without a network."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.model import people
from tests.model.replays import propose, start
from trine.archive.format import (
    GENESIS_FILE,
    SEAL_TAG,
    SEGMENTS_FOLDER,
    Record,
    SegmentHead,
    encode_count,
    segment_name,
)
from trine.archive.writer import opened
from trine.model import Block
from trine.model.calls import LogCreate
from trine.model.document import read_genesis
from trine.model.hashing import tagged_hash
from trine.model.header import Header
from trine.model.identifiers import ChainId, Milliseconds
from trine.model.proofs.certified import Certificate
from trine.model.proofs.finalization import Finalization

GENESIS = people.genesis()
"""Document of the chain; its epochs have 8 blocks, and one validator decides."""
CHAIN_ID: ChainId = read_genesis(GENESIS).chain_id()
BLOCKS = 21
"""Blocks of the chain, genesis among them: two whole epochs and a part."""
CERTIFIED_EVERY = 3
"""A block in so many has a certificate of its own, and the last of each epoch."""


def certificate(header: Header, chain_id: ChainId = CHAIN_ID, key: str = "validator") -> bytes:
    """Certify a header with one validator's key, as the engine encodes it."""
    made = Certificate(header.epoch, header.view, header.parent_view, header.digest(), b"\x01", ())
    namespace = b"trine/consensus/" + chain_id + b"_FINALIZE"
    signature = people.secret_key(key).sign(namespace, made.message())[:64]
    return Finalization(replace(made, signatures=(signature,)), 1).encode()


def record(block: Block, *, certified: bool) -> Record:
    """Put a block behind its certificate."""
    return Record(certificate(block.header) if certified else b"", block.encode())


def is_certified(height: int) -> bool:
    """Say whether the chain's block has a certificate of its own."""
    return height > 0 and (height % CERTIFIED_EVERY == 0 or height % 8 == 7 or height == BLOCKS - 1)


@cache
def chain() -> tuple[Record, ...]:
    """Make the chain: each block creates evidence logs."""
    replay, header = start(GENESIS)
    records = [record(Block(header, ()), certified=False)]
    for height in range(1, BLOCKS):
        transactions = [
            people.transaction(
                "city-all", CHAIN_ID, [LogCreate(f"log-{height}-{place}")], nonce=2 * height + place
            )
            for place in range(2)
        ]
        block = propose(replay, Milliseconds(people.TIME_MS + height), transactions)
        replay.accept(block)
        records.append(record(block, certified=is_certified(height)))
    return tuple(records)


def block_of(one: Record) -> Block:
    """Decode a record's block."""
    return Block.from_bytes(one.block)


def segment(records: Sequence[Record], first: int = 0, chain_id: ChainId = CHAIN_ID) -> bytes:
    """Write a segment, whatever its records are; the seal is right."""
    content = SegmentHead(chain_id, first).encode() + b"".join(one.encode() for one in records)
    content += encode_count(len(records))
    return content + tagged_hash(SEAL_TAG, content)


def resealed(content: bytes) -> bytes:
    """Put the right seal under an altered segment."""
    return content[:-32] + tagged_hash(SEAL_TAG, content[:-32])


def write(folder: Path, content: bytes, first: int = 0, genesis: bytes = GENESIS) -> Path:
    """Write an archive of one segment."""
    (folder / SEGMENTS_FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / GENESIS_FILE).write_bytes(genesis)
    (folder / SEGMENTS_FOLDER / segment_name(first)).write_bytes(content)
    return folder


def backed_up(folder: Path, *ends: int) -> Path:
    """Write an archive with the real writer, in runs that end at these heights."""
    done = 0
    for end in ends:
        with opened(folder, GENESIS) as writer:
            for one in chain()[done : end + 1]:
                writer.append(one)
        done = end + 1
    return folder
