"""Weights as counted bytes, and back."""
