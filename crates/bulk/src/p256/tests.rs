//! Check P-256 against published answers and its paths against each other.
