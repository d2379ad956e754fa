"""Link blocks to each other and to their certificates, without deciding who may certify.

Whoever copies a chain checks this much: each block's transactions are those of its header, each
header names the one before it, and each certificate the header that it stands beside. What a
certificate covers, with everything before it, is then one history; whether it is the right one,
audit and restore decide.
"""

from dataclasses import dataclass
from typing import Final

from trine.archive.format import Record
from trine.errors import UnlinkedBlock
from trine.model import Block
from trine.model.hashing import Suite, under
from trine.model.identifiers import ChainId, Digest, Height
from trine.model.proofs.finalization import Finalization
from trine.model.roots import body_root
from trine.model.verdicts import Undecodable

BEFORE_GENESIS: Final = Digest(bytes(32))
"""What the header of genesis names as its parent."""


@dataclass
class Links:
    """The end of a chain of blocks that are linked."""

    suite: Suite
    chain_id: ChainId
    height: int = -1
    """Height of the last block."""
    digest: Digest = BEFORE_GENESIS
    """Digest of the last block's header."""

    def begin(self, record: Record, height: int) -> None:
        """Let a block be the next one, whatever stands before it.

        Raises:
            UnlinkedBlock: It is no block.
        """
        try:
            self.digest = Block.from_bytes(record.block).header.parent
        except (Undecodable, ValueError) as error:
            raise UnlinkedBlock(f"block {height} is no block: {error}") from None
        self.height = height - 1

    def check(self, record: Record) -> None:
        """Check the next block, and go on from it.

        Raises:
            UnlinkedBlock: It does not follow, or its certificate is another block's.
        """
        height = Height(self.height + 1)
        try:
            block = Block.from_bytes(record.block)
        except (Undecodable, ValueError) as error:
            raise UnlinkedBlock(f"block {height} is no block: {error}") from None
        header = block.header
        if header.chain_id != self.chain_id:
            raise UnlinkedBlock(f"block {height} is of chain {header.chain_id.hex()[:16]}")
        if header.height != height:
            raise UnlinkedBlock(f"block {header.height} stands in the place of block {height}")
        if header.parent != self.digest:
            raise UnlinkedBlock(f"block {height} names another block than {self.height} as parent")
        with under(self.suite):
            if body_root(block.transactions) != header.body_root:
                raise UnlinkedBlock(f"the transactions of block {height} are not its header's")
            digest = header.digest()
        if record.finalization:
            self._certified(record.finalization, height, digest)
        self.height, self.digest = height, digest

    @staticmethod
    def _certified(encoded: bytes, height: Height, digest: Digest) -> None:
        try:
            certificate = Finalization.from_bytes(encoded).certificate
        except (Undecodable, ValueError) as error:
            raise UnlinkedBlock(f"the certificate of block {height} is none: {error}") from None
        if certificate.digest != digest:
            raise UnlinkedBlock(f"the certificate beside block {height} is another block's")
