"""Test what is shown of a load."""
