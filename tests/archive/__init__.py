"""Test archives: their format, how they are written, served and audited."""
