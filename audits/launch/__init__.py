"""How a submission would be launched: script, arguments, environment, files, and the reason for each.

Promises a plan for every submission and no execution. Smoke, probe and replay all start from it; none of them
guesses again.
"""

from audits.launch.plan import launch_plan
from audits.launch.records import Choice, LaunchPlan, LeftOut, Need, Requirement, Variable

__all__ = ["Choice", "LaunchPlan", "LeftOut", "Need", "Requirement", "Variable", "launch_plan"]
