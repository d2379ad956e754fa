"""Test the services that run beside a chain."""
