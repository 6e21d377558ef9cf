"""Probes as the house uses them: the stage, its outcomes, what people and programs are shown."""
