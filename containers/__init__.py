"""Dynamic analysis on a CPU, in a box.

A `SandboxRequest` (files, command, limits) goes to an engine and a `SandboxResult` comes back: what ran, how
it ended, what was seen from outside the submission's reach. Of our own packages it may import
`audits.submission` and `audits.launch`, nothing else; `containers.inside` runs in the image alone and is
never imported here.
"""
