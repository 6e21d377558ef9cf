"""Shards, the loader that walks them, and where they come from."""
