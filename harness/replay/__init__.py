"""Run a record again under enforced limits, and say whether it reproduces.

What lies here orders and measures; judging a claim against a measurement is `compare`, rendering is `report`.
Every number says who took it: the harness from outside, or the submission about itself.
"""
