"""Make packed code readable without running it.

Promises that nothing of the submission is executed: payloads are found in the syntax tree, their
constant parts are computed by our own small evaluator, and every codec runs under size and ratio caps.
"""

from audits.unpack.layers import Unpacked, unpack

__all__ = ["Unpacked", "unpack"]
