"""Orders, measures, renders, and talks to people and services."""
