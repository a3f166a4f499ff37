"""Private keys for connectors that sign: fixtures only name their algorithm, as a key in a file looks like a leak."""

import importlib
from collections.abc import Mapping
from typing import Any

_MARK = "generated:"
_CURVES = {"ES256": "SECP256R1", "ES384": "SECP384R1", "ES512": "SECP521R1"}


def with_keys(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return a way to authenticate with a new private key in place of each that is only named."""
    made: dict[str, str] = {}

    def known(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(_MARK):
            return value
        if value not in made:
            made[value] = _key(value.removeprefix(_MARK))
        return made[value]

    # The server verifies with the same keys.
    credentials = {name: known(value) for name, value in option["credentials"].items()}
    checks = [{name: known(value) for name, value in check.items()} for check in option["checks"]]
    return {**option, "credentials": credentials, "checks": checks}


def _key(algorithm: str) -> str:
    # Of the connector's own packages: whoever needs a key has it.
    asymmetric = "cryptography.hazmat.primitives.asymmetric"
    forms = importlib.import_module("cryptography.hazmat.primitives.serialization")
    if algorithm in _CURVES:
        ec = importlib.import_module(f"{asymmetric}.ec")
        key = ec.generate_private_key(getattr(ec, _CURVES[algorithm])())
    elif algorithm == "EdDSA":
        key = importlib.import_module(f"{asymmetric}.ed25519").Ed25519PrivateKey.generate()
    else:
        rsa = importlib.import_module(f"{asymmetric}.rsa")
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    text: bytes = key.private_bytes(
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    return text.decode()
