"""Dynamic analysis on a CPU, in a box: a place for smoke runs and behavioural probes.

Nothing lives here yet. It will hold the sandbox engines, the image they run and the host side of
smoke and probe: a `Submission` and a `LaunchPlan` go in, a `SandboxResult` comes out. Of our own
packages it may import `audits.submission` and `audits.launch`, nothing else.
"""
