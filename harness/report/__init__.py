"""Renderings of a review: text, json, sarif, markdown. Each file renders one format and judges nothing."""
