"""Check a bundle: the signature, and every file that it speaks of. Says what that proves and what not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from audits.errors import UserError
from harness.attest.envelope import key_id, opened
from harness.attest.statement import PREDICATE_TYPE, STATEMENT_TYPE, digests

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_BUNDLE_BYTES: Final = 16 << 20
PROVES: Final = (
    "the holder of the key, or the CI job named, signed this verdict over exactly these files",
    "no file of the run directory was changed, added or taken away since",
)
DOES_NOT_PROVE: Final = (
    "that the machine was what it says, or that its owner did not tamper with the harness before signing",
    "that the submission is legal: a replay measures, the audit and the probe judge the method",
    "that another run would give the same: only the noise band says how far that may differ",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a bundle gave."""

    signer: str
    """Key id or certificate identity; who that is, the reader must know."""
    verdict: str
    problems: tuple[str, ...]
    """Empty when everything holds."""


def verify(
    bundle: Path, directory: Path | None, public_key: Path | None, identity: str | None, issuer: str | None
) -> Checked:
    """Return what a bundle proves about a directory, by default the one it lies in."""
    document = _read(bundle)
    if document.get("kind") == "local-key":
        payload, signer, problems = _local(document, public_key)
    elif document.get("kind") == "sigstore":
        payload, signer, problems = _keyless(document, identity, issuer)
    else:
        raise UserError(f"{bundle} is no attestation", "name the attestation.json of a replay")
    if payload is None:
        return Checked(signer, "", problems)
    said = _statement(payload)
    if said is None:
        return Checked(signer, "", (*problems, "what was signed is no statement about a replay"))
    changed = _changed(said, directory or bundle.parent)
    return Checked(signer, str(said["predicate"].get("verdict", "")), (*problems, *changed))


def _read(path: Path) -> dict[str, Any]:
    """Return a bundle's JSON."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BUNDLE_BYTES + 1)
        document = json.loads(data) if len(data) <= MAX_BUNDLE_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read {path}: {error}", "name the attestation.json of a replay") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} is no attestation", "name the attestation.json of a replay")
    return document


def _local(document: dict[str, Any], public_key: Path | None) -> tuple[bytes | None, str, tuple[str, ...]]:
    """Return payload, signer and problems of a bundle that a local key signed."""
    carried = _load_public(str(document.get("publicKey", "")).encode())
    trusted = _load_public(public_key.read_bytes()) if public_key else None
    key = trusted or carried
    if key is None:
        return None, "", ("the bundle holds no public key",)
    payload = opened(document.get("envelope") or {}, key)
    if payload is None:
        return None, key_id(key), ("the signature does not hold",)
    return payload, f"key {key_id(key)}" + ("" if trusted else " (the bundle's own: compare it)"), ()


def _load_public(pem: bytes) -> Ed25519PublicKey | None:
    """Return a public key, None for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except ValueError:
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _keyless(
    document: dict[str, Any], identity: str | None, issuer: str | None
) -> tuple[bytes | None, str, tuple[str, ...]]:
    """Return payload, signer and problems of a bundle that Sigstore made."""
    if not identity or not issuer:
        raise UserError("a Sigstore bundle is checked against an identity", "pass --identity and --issuer")
    try:
        from sigstore.errors import VerificationError
        from sigstore.models import Bundle
        from sigstore.verify import Verifier
        from sigstore.verify.policy import Identity
    except ImportError:
        raise UserError("Sigstore is not installed", "pip install 'golf-referee[attest]'") from None
    try:
        bundle = Bundle.from_json(json.dumps(document.get("bundle")))
        _, payload = Verifier.production().verify_dsse(bundle, Identity(identity=identity, issuer=issuer))
    except (VerificationError, ValueError) as error:
        return None, identity, (f"the signature does not hold: {error}",)
    return payload, f"{identity} by {issuer}", ()


def _statement(payload: bytes) -> dict[str, Any] | None:
    """Return the statement of a payload, None for another kind of document."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("_type") != STATEMENT_TYPE:
        return None
    if said.get("predicateType") != PREDICATE_TYPE or not isinstance(said.get("predicate"), dict):
        return None
    return said if isinstance(said.get("subject"), list) else None


def _changed(said: dict[str, Any], directory: Path) -> list[str]:
    """Return how a directory differs from what was signed."""
    signed = {str(entry["name"]): str(entry["digest"]["sha256"]) for entry in said["subject"]}
    present = dict(digests(directory))
    found = [f"{name} is missing" for name in signed if name not in present]
    found += [f"{name} was not there when it was signed" for name in present if name not in signed]
    found += [f"{name} was changed" for name in signed if name in present and present[name] != signed[name]]
    return found
