"""The network: one technique a file, `gpt.py` puts them together."""
