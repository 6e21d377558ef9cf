"""The behavioural probe: run a script several times on streams that differ where we choose, and compare.

`trace` and `finding` are its records. Watching happens in the submission's process, comparing in ours.
"""
