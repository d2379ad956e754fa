"""Hash with Keccak-256, as Ethereum does: the function of SHA-3 before its padding was changed.

Sources: FIPS 202, section 3 (the permutation); the Keccak reference, section 1.1 (the padding).

Example:
    >>> from trine.model.keccak import keccak256
    >>> keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
"""

from typing import Final

RATE_BYTES: Final = 136
"""Bytes that one permutation takes in: 1,600 bits less twice the 256 of the answer."""

LANE: Final = 2**64 - 1
"""The bits of a lane."""


def _round_constants() -> list[int]:
    """Fill the constants of the 24 rounds from a shift register (FIPS 202, section 3.2.5)."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << (2**power - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


ROUND_CONSTANTS: Final = _round_constants()
"""What each round adds to the first lane."""


def _turn(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & LANE if by else lane


def _permute(lanes: list[list[int]]) -> list[list[int]]:
    """Apply the 24 rounds to the state; `lanes[x][y]` as in FIPS 202, section 3.1.2."""
    for constant in ROUND_CONSTANTS:
        parity = [a ^ b ^ c ^ d ^ e for a, b, c, d, e in lanes]
        mixed = [parity[x - 1] ^ _turn(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lane ^ mixed[x] for lane in lanes[x]] for x in range(5)]
        moved = [[0] * 5 for _ in range(5)]
        x, y, lane = 1, 0, lanes[1][0]
        moved[0][0] = lanes[0][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            moved[x][y], lane = _turn(lane, (step + 1) * (step + 2) // 2 % 64), lanes[x][y]
        lanes = [
            [moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y]) for y in range(5)]
            for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Return the hash of `data`, 32 bytes."""
    padding = bytearray(RATE_BYTES - len(data) % RATE_BYTES)
    padding[0] |= 0x01
    padding[-1] |= 0x80
    padded = data + padding
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), RATE_BYTES):
        for place in range(RATE_BYTES // 8):
            at = start + 8 * place
            lanes[place % 5][place // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lanes[place][0].to_bytes(8, "little") for place in range(4))
