"""Test what keeps the repository in order: rules, layers, documentation, vectors."""
