"""Audit every pull request of a mirror, keep what was read and what was judged, and do nothing twice.

Three steps, each a pure function that runs in a worker: take a pull request in (`work.take_in`), read and
judge one record folder (`work.examine`), judge stored facts again (`work.judge_again`). One process writes
the store.
"""
