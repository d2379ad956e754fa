"""Look at the status page of a real network in a real browser."""
