"""Hold the reference applications: one package a field, each on the documents of its field.

They need the packages of `trine[platform]`; the client, the command line and everything below do
not.
"""
