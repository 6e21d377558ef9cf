"""Sign what a replay found, and check it again: who says so, and that nothing has changed since.

statement   in-toto Statement v1 over the digest of every file of the run directory, canonical JSON (RFC 8785)
envelope    DSSE, signed with a local Ed25519 key, or by Sigstore in a CI job, keyless
bundle      the envelope with what is needed to check it, one JSON file
"""

from harness.attest.attesting import attest
from harness.attest.verifying import Checked, verify

__all__ = ["Checked", "attest", "verify"]
