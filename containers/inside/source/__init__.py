"""Load a submission's sources.

Newer syntax made readable, scale set where it is read, lines kept where they were.
"""
