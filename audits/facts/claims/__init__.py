"""What the submission says about itself outside its logs: submission.json and README."""

from audits.facts.claims.read import read_claims
from audits.facts.claims.records import (
    Claims,
    JsonProblem,
    Predecessor,
    ReadmeClaims,
    SeedClaim,
    SubmissionClaims,
)

__all__ = [
    "Claims",
    "JsonProblem",
    "Predecessor",
    "ReadmeClaims",
    "SeedClaim",
    "SubmissionClaims",
    "read_claims",
]
