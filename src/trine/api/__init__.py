"""Serve the platform over HTTP: what runs beside nodes, for applications and people."""
