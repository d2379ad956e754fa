//! Build keys, genesis documents and transactions for tests.
