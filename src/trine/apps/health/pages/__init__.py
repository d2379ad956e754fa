"""Serve web pages of a hospital: for its clinicians and reviewers, its patients and a regulator.

Pages are made on the server, in English and Chinese, without a script. Content of a record is shown
only through the desk (`trine.apps.health.access`), which records each access first. Routes, roles
and limits are those of `docs/reference/health-pages.md`.
"""
