"""What the code does: modules, configuration, value flow and the ordered trace of events."""

from audits.facts.code.facts import CodeFacts, CodeProblem, Import

__all__ = ["CodeFacts", "CodeProblem", "Import"]
