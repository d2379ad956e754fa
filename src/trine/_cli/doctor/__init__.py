"""Examine hosts and nodes, and say what to do about what is found."""
