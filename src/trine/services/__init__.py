"""Hold what runs beside a chain for whole organisations: evidence first.

Each package is one service. They need the packages of `trine[platform]`; the client, the command
line and everything below do not.
"""
