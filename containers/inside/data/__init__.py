"""A tiny data set in the challenge's format, made of prose that comes with Python itself."""
