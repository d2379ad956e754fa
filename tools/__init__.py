"""Check the repository against its own rules."""
