"""Answers on a CPU what a script asks of CUDA, NCCL, FlashAttention and Triton.

Every part is a small module with `install()`. A part is reported when it is first used, not when it is
installed. What is asked for and not there raises `ShimGapError`: our gap, never the submission's fault.
"""
