"""Keep a whole chain in files that anybody can check: write, read, serve and audit them.

An archive holds the genesis document, every block's exact bytes and the certificates
(`docs/reference/archive.md`). Nothing in it is secret, and nothing in it is believed: a copy is
linked block by block, a restored node verifies everything again, and an audit replays the chain in
the readable model.

>>> from trine.archive.format import Record, SegmentHead
>>> head = SegmentHead(bytes(32), 0)
>>> head.encode().hex()[:20], Record(b"", b"block").size
('5452494e455345470100', 13)
"""
