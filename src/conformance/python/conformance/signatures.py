"""How the suite's server verifies what a sender signed: requests (HMAC, RFC 2104) and statements (JWT, RFC 7519)."""

import base64
import hashlib
import hmac
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .exchange import RefusedError, Request

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""What a statement is exchanged for a token with (RFC 7523)."""

_NAME = re.compile(r"\{(\w+)\}")
_CLAIMS = {"iss": "issuer", "aud": "audience", "scope": "scope", "sub": "subject"}
_SECRET_BYTES: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "base64": base64.b64decode,
    "hex": bytes.fromhex,
}


def signed_values(request: Request, check: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what a request says in its signed headers and parameters, such as its nonce; None if it is not signed well."""
    said = _said(request, check["sent"])
    if said is None or said.get("key", check["key"]) != check["key"]:
        return None
    known = {**_parts(request, check), "key": check["key"], **said}
    message = _NAME.sub(lambda name: known.get(name[1], name[0]), check["message"])
    secret = _SECRET_BYTES[check["secret_encoding"]](check["secret"])
    digest = hmac.new(secret, message.encode(), check["algorithm"]).digest()
    right = digest.hex() if check["encoding"] == "hex" else base64.b64encode(digest).decode()
    return said if said.get("signature") == right else None


def _said(request: Request, sent: list[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return the values by name that stand in the headers and parameters; None where one of these is missing."""
    said: dict[str, str] = {}
    for part in sent:
        name = part["name"]
        found = (
            request.headers.get(name.lower()) if part["in"] == "header" else request.query.get(name)
        )
        fits = re.fullmatch(_pattern(part["value"]), found) if isinstance(found, str) else None
        if fits is None:
            return None
        said |= fits.groupdict()
    return said


def _pattern(value: str) -> str:
    pieces = _NAME.split(value)
    # Text and names take turns.
    return "".join(
        f"(?P<{piece}>.+)" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )


def _parts(request: Request, check: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a request itself may be signed. The signature is no part of what it signs."""
    unsigned = {
        part["name"]
        for part in check["sent"]
        if part["in"] == "query" and "{signature}" in part["value"]
    }
    target = urlsplit(request.url)
    pairs = [
        pair
        for pair in target.query.split("&")
        if pair and not unsigned & {name for name, _ in parse_qsl(pair, keep_blank_values=True)}
    ]
    query = "&".join(pairs)
    return {
        "method": request.method,
        "host": request.headers.get("host", target.netloc),
        "path": target.path,
        "query": query,
        "path_and_query": target.path + (f"?{query}" if query else ""),
        "body": request.body.decode("utf-8", "replace"),
        "body_hash": hashlib.new(check["algorithm"], request.body).hexdigest(),
    }


def check_statement(statement: str, check: Mapping[str, Any], now: float | None) -> None:
    """Refuse a statement that is not signed by who may, or says something else than it must.

    Without `now` (seconds since 1970) its time is not looked at.
    """
    # Of the connector's own packages: whoever signs statements has it.
    jwt = importlib.import_module("jwt")
    algorithm = check["algorithm"]
    key = check["private_key"] if algorithm.startswith("HS") else _public(check["private_key"])
    # The clock of this server is not that of the machine, which the library goes by.
    unlooked = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False)
    try:
        claims = jwt.decode(statement, key, algorithms=[algorithm], options=unlooked)
        key_id = jwt.get_unverified_header(statement).get("kid")
    except (jwt.PyJWTError, ValueError):
        raise RefusedError(401, "The statement is not signed by who may.") from None
    wrong = [claim for claim, name in _CLAIMS.items() if claims.get(claim) != check[name]]
    wrong += ["kid"] if key_id != check["key_id"] else []
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, (int, float)) or not isinstance(ends, (int, float)):
        wrong += ["iat", "exp"]
    else:
        wrong += ["exp"] if ends - issued > check["lifetime"] else []
        wrong += ["exp"] if now is not None and not issued <= now < ends else []
    if wrong:
        raise RefusedError(401, f"The statement is wrong in {', '.join(wrong)}.")


def _public(private_key: str) -> Any:
    forms = importlib.import_module("cryptography.hazmat.primitives.serialization")
    return forms.load_pem_private_key(private_key.encode(), None).public_key()
