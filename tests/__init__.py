"""Test the parts together, the documents and the repository itself."""
