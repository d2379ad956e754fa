"""Set up what all tests share."""

from hypothesis import settings

# Machines that build and test at the same time are slow now and then; pytest's own limit of
# seconds a test still holds.
settings.register_profile("trine", deadline=None)
settings.load_profile("trine")
