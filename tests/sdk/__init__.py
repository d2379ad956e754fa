"""Test the Python package without a network."""
