//! Test the pool against its rules.
