"""Test the reference applications."""
