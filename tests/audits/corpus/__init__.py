"""Checks on real pull requests: they need a mirror of openai/parameter-golf in REFEREE_MIRROR."""
