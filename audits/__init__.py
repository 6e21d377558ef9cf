"""Static analysis of a training submission: what it is, what it does, whether it kept to the rules.

Promises: nothing of the submission is imported, unpickled or executed; no socket is opened; every
read and every decode has a size cap. Imports neither torch nor docker, and none of our other packages.
"""
