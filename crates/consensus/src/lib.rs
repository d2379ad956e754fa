//! Agree on blocks: wire the BFT engine to an application.
