"""Say in readable Python what the chain allows: the reference of its rules, types and proofs."""
