"""The door to the challenge files: which exist, what they say, which one a submission belongs to."""

from __future__ import annotations

from audits.challenges import DEFAULT, challenge_names, detect_challenge, load_challenge

__all__ = ["DEFAULT", "challenge_names", "detect_challenge", "load_challenge"]
