"""Keep a permissioned chain of evidence, assets and proofs, and verify it offline."""
