"""Test the readable verifier of proofs and receipts."""
