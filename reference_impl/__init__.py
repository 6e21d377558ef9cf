"""A small legal trainer and evaluator to compare against, launched as a subprocess like any submission.

Model, optimiser, data, training, artifact and evaluation, each idea a file, presets as data. It imports none
of our other packages.
"""
