"""A sweep as a static site: the whole field, a page a pull request, a page a rule.

Reads a finished or interrupted run directory and judges nothing. The pages work from disk and load nothing
from any network; text of a submission is shown as text.
"""
