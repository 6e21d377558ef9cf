"""A small legal trainer to compare against, launched as a subprocess like any submission.

Nothing lives here yet. It will hold model, optimiser, data, training, quantisation, packing and
evaluation, each a file, with presets as data. It imports none of our other packages.
"""
