"""Optimisers, schedules and weight averages."""
