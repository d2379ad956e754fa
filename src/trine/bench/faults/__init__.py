"""Hurt a network while clients write to it, and check that nothing acknowledged is lost.

In the style of Jepsen: writers note what each node acknowledged and when, readers look whether
every node has it, faults come by a plan that a seed decides, and at the end every node's whole
chain and all its evidence logs are compared with the notes.
"""
