"""The only code of ours that runs beside a submission; in the image it is the package `referee_inside`.

It imports itself and the packages of the image, nothing else, and is never imported on the host.
"""
