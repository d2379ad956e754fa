"""Test the health application: what is read, checked, sealed, stored and erased."""
