"""Offer everything a person does with Trine as commands: nouns, then verbs."""
