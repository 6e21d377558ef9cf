"""Measure a sweep against labels: how often the verdicts are right, and where they are not.

Promises that every label ends in some count: one whose folder was not audited is a miss, one that is too
unsure to be held against us is counted as left out. Labels are only read here; no rule ever sees one.
"""
