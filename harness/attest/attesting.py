"""Sign the statement over a run directory, with a local key or by Sigstore in a CI job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from harness.attest.envelope import public_pem, read_key, sign
from harness.attest.statement import BUNDLE_NAME, canonical, statement

if TYPE_CHECKING:
    from pathlib import Path

    from harness.rundir import ReplayDir


def attest(directory: ReplayDir, key: Path | None) -> Path:
    """Write the bundle beside what it is about and return its path; without a key, Sigstore signs."""
    said = statement(directory)
    bundle = _local(said, key) if key is not None else _keyless(said)
    path = directory.root / BUNDLE_NAME
    path.write_text(json.dumps(bundle, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _local(said: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the bundle that a local key makes."""
    key = read_key(path)
    return {
        "kind": "local-key",
        "envelope": sign(canonical(said), key),
        "publicKey": public_pem(key.public_key()),
    }


def _keyless(said: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle that Sigstore makes for the identity of the CI job."""
    try:
        from sigstore.dsse import Statement
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import IdentityToken, detect_credential
        from sigstore.sign import SigningContext
    except ImportError:
        raise UserError(
            "Sigstore is not installed", "pip install 'golf-referee[attest]', or pass --key"
        ) from None
    token = detect_credential()
    if token is None:
        raise UserError(
            "this is no CI job with an identity", "grant it `id-token: write`, or pass --key FILE offline"
        )
    context = SigningContext.from_trust_config(ClientTrustConfig.production())
    with context.signer(IdentityToken(token)) as signer:
        signed = signer.sign_dsse(Statement(canonical(said)))
    return {"kind": "sigstore", "bundle": json.loads(signed.to_json())}
