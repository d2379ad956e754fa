"""Test the command line as its users run it: as processes."""
