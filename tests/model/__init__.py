"""Hold the readable model to its own rules, to the golden vectors, and to the Rust core."""
