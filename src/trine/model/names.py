"""Say which names are allowed.

Example:
    >>> from trine.model.names import is_name, is_symbol
    >>> is_name("city-of-lisbon"), is_name("-"), is_symbol("EUR")
    (True, False, True)
"""

import re
import unicodedata

from trine.model.limits import (
    ADDRESS_TEXT_BYTES_MAX,
    DECIMALS_MAX,
    NAME_BYTES_MAX,
    SYMBOL_BYTES_MAX,
)


def is_name(text: str) -> bool:
    """Say whether `text` can name a chain, an organisation, a validator or a log.

    It is 1 to `NAME_BYTES_MAX` of `a-z`, `0-9` and `-`, and does not start with `-`.
    """
    return len(text) <= NAME_BYTES_MAX and re.fullmatch(r"[a-z0-9][a-z0-9-]*", text) is not None


def is_peer_address(text: str) -> bool:
    """Say whether `text` is `host:port`, at most `ADDRESS_TEXT_BYTES_MAX` bytes.

    The host consists of letters, digits, `.` and `-`, or is an IPv6 address in brackets; the port
    is 1 to 65535 in decimal digits without leading zeros.
    """
    found = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})", text)
    return len(text) <= ADDRESS_TEXT_BYTES_MAX and found is not None and int(found[1]) <= 65_535


def is_symbol(text: str) -> bool:
    """Say whether `text` can be an asset's symbol.

    It is 1 to `SYMBOL_BYTES_MAX` of `A-Z` and `0-9`, and starts with a letter.
    """
    return len(text) <= SYMBOL_BYTES_MAX and re.fullmatch(r"[A-Z][A-Z0-9]*", text) is not None


def is_asset_name(text: str) -> bool:
    """Say whether `text` can be an asset's name for people.

    It is 1 to `NAME_BYTES_MAX` bytes of UTF-8 without control characters (Unicode category Cc).
    """
    size = len(text.encode())
    return 0 < size <= NAME_BYTES_MAX and all(unicodedata.category(c) != "Cc" for c in text)


def is_asset(symbol: str, name: str, decimals: int) -> bool:
    """Say whether an asset may be defined like this."""
    return is_symbol(symbol) and is_asset_name(name) and decimals <= DECIMALS_MAX
