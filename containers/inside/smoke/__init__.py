"""The smoke test's stages.

Import, build and forward, run. `python -m referee_inside.smoke` runs those of a job.
"""
