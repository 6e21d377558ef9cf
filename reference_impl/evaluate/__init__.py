"""Evaluators whose number is authoritative: they share nothing with any submission's code.

A method (`plain`, `sliding`, `score-first-ttt`, `lora-ttt`, `context-slot`, `hedge-mixer`) decides which
prefix each token is predicted from and what is learned on the way; the ledger alone turns predictions into
nats and bits per byte. Every method states how it meets the four conditions of #1017 (`conditions.py`), and
tests hold it to each.
"""
