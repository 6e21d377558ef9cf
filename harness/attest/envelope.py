"""DSSE envelopes with a local Ed25519 key. The key file is PEM; the bundle carries the public half."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any, Final

from audits.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


def pre_authentication(payload: bytes) -> bytes:
    """Return what is signed: DSSE's encoding of type and payload, so that neither can stand for the other."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def make_key(path: Path) -> None:
    """Write a new private key, readable by its owner only; an existing file is refused."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UserError(f"cannot write a key to {path}: {error.strerror}", "name a new file") from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return a private key; raises UserError for a file that holds none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"cannot read a key from {path}: {error}", "make one with --new-key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} holds another kind of key", "make an Ed25519 key with --new-key")
    return key


def sign(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the envelope of a payload."""
    signature = key.sign(pre_authentication(payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def public_pem(key: Ed25519PublicKey) -> str:
    """Return a public key as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the public key's DER form: what two people compare over the telephone."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def opened(envelope: dict[str, Any], key: Ed25519PublicKey) -> bytes | None:
    """Return the payload of an envelope that this key signed, None otherwise."""
    from cryptography.exceptions import InvalidSignature

    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]]
    except (KeyError, TypeError, ValueError):
        return None
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        return None
    for signature in signatures[:8]:
        try:
            key.verify(signature, pre_authentication(payload))
        except InvalidSignature:
            continue
        return payload
    return None
