"""Keep evidence by the open standards: signed statements, receipts, timestamps.

Follows RFC 9943 (SCITT), RFC 9942 (COSE receipts), RFC 9162 (the logs) and RFC 3161 (timestamps).
"""
