"""Define the exceptions of archives: copies of whole chains, and of the keys beside them."""

from trine.errors.base import BadInput, NegativeVerdict


class NotAnArchive(BadInput):
    """The folder is no archive of a chain, or holds no block yet."""


class DamagedArchive(BadInput):
    """A segment of the archive is missing, cut short, or not what its digest says."""


class BadKeysFile(BadInput):
    """The file holds no keys of a home, or is damaged."""


class ArchiveMismatch(NegativeVerdict):
    """The archive's chain is not one that its validators certified; the message says where."""


class UnlinkedBlock(NegativeVerdict):
    """A node sent a block that is not the one its chain has at that height."""
