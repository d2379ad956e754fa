"""Test that certificates are checked as OpenSSL checks them."""
