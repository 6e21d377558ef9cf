"""Smoke runs as the house uses them: the stage, its outcome, what people and programs are shown."""
