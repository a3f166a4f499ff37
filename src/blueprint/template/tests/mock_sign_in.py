"""How the tests' API lets senders in: it looks at what `fixtures/api.json` says, not at the connector's code."""

import base64
import hashlib
import hmac
import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


class RefusedError(Exception):
    """A request that the API does not accept."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# <feature auth.jwt_bearer>


@cache
def made_key(algorithm: str) -> Any:
    """A private key for a kind of signature; a key in a file would look like a leak."""
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def with_made_keys(option: dict[str, Any]) -> dict[str, Any]:
    """A way to authenticate, its private keys made."""
    credentials = dict(option["credentials"])
    for name, value in credentials.items():
        if value.startswith("generated:"):
            key = made_key(value.removeprefix("generated:"))
            form = serialization.PrivateFormat.PKCS8
            plain = serialization.NoEncryption()
            pem = key.private_bytes(serialization.Encoding.PEM, form, plain)
            credentials[name] = pem.decode()
    return {**option, "credentials": credentials}


def _claims(check: dict[str, Any], token: str) -> dict[str, Any]:
    """What a signed statement says, if it is signed by who may and says it well."""
    algorithm = check["algorithm"]
    key = check["private_key"]
    if key.startswith("generated:"):
        key = made_key(algorithm).public_key()
    # The tests' clock stands still while the machine's goes on.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, key, [algorithm], options=options)
        key_id = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise RefusedError(401, f"Not signed: {error}") from None
    names = {"iss": "issuer", "aud": "audience", "scope": "scope", "sub": "subject"}
    for claim, name in names.items():
        if claims.get(claim) != check[name]:
            raise RefusedError(401, f"{claim} is {claims.get(claim)!r}, not {check[name]!r}.")
    if key_id != check["key_id"] or claims["exp"] - claims["iat"] != check["lifetime"]:
        raise RefusedError(401, "The statement's key or lifetime is not right.")
    return claims


# </feature>
class SignIn:
    """What the API does about credentials."""

    def __init__(self, auth: dict[str, Any] | None) -> None:
        self.auth = auth
        # <feature auth.exchanged>
        self.tokens = 0
        self.token_lifetime: int | None = 3600
        self.refresh_token = None
        self.rotate = False
        for check in auth["checks"] if auth else []:
            self.refresh_token = check.get("refresh_token")
        # </feature>

    def is_token(self, request: httpx.Request) -> bool:
        """Whether a request asks for a token, or begins a session."""
        checks = self.auth["checks"] if self.auth else []
        return str(request.url) in [check.get("token_url") for check in checks]

    def check_credentials(self, request: httpx.Request, query: dict[str, Any]) -> None:
        """Refuse a request without the right credentials."""
        for check in self.auth["checks"] if self.auth else []:
            if not self._is_authentic(request, query, check):
                raise RefusedError(401, f"No valid credentials in the {check['in']}.")

    def _is_authentic(
        self, request: httpx.Request, query: dict[str, Any], check: dict[str, Any]
    ) -> bool:
        # <feature auth.oauth2|auth.jwt_bearer>
        authorization = request.headers.get("Authorization")
        # </feature>
        authentic = {
            "header": lambda: request.headers.get(check["name"]) == check["value"],
            "query": lambda: query.get(check["name"]) == check["value"],
            "cookie": lambda: _cookies(request).get(check["name"]) == [check["value"]],
            # <feature auth.oauth2>
            "oauth2": lambda: authorization == f"Bearer access-token-{self.tokens}",
            # </feature>
            # <feature auth.jwt_bearer>
            "jwt": lambda: self._is_signed_in(check, authorization or ""),
            # </feature>
            # <feature auth.session>
            "session": lambda: self._has_session(check, request),
            # </feature>
            # <feature auth.hmac>
            "hmac": lambda: _is_signed(request, check),
            # </feature>
        }
        return bool(authentic[check["in"]]())

    # <feature auth.jwt_bearer>

    def _is_signed_in(self, check: dict[str, Any], authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        # <feature auth.exchanged>
        if check["token_url"] is not None:
            return (scheme, token) == ("Bearer", f"access-token-{self.tokens}")
        # </feature>
        return scheme == "Bearer" and bool(_claims(check, token))

    # </feature>
    # <feature auth.session>

    def _has_session(self, check: dict[str, Any], request: httpx.Request) -> bool:
        expected = f"{check['prefix']}access-token-{self.tokens}"
        if check["sent_in"] == "cookie":
            return _cookies(request).get(check["name"]) == [expected]
        return bool(request.headers.get(check["name"]) == expected)

    # </feature>
    # <feature auth.exchanged>

    def token(self, request: httpx.Request) -> tuple[dict[str, str], dict[str, Any]]:
        """The headers and the body with which a token is given out."""
        assert self.auth is not None
        check = next(check for check in self.auth["checks"] if check.get("token_url"))
        # <feature auth.session>
        if check["in"] == "session":
            return self._session(request, check)
        # </feature>
        form = dict(parse_qsl(request.content.decode()))  # <feature auth.jwt_bearer|auth.oauth2>
        # <feature auth.jwt_bearer>
        if check["in"] == "jwt":
            if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
                raise RefusedError(400, "unsupported_grant_type")
            _claims(check, form.get("assertion", ""))
        # </feature>
        # <feature auth.oauth2>
        if check["in"] == "oauth2":
            self._check_client(request, form, check)
        # </feature>
        self.tokens += 1
        token: dict[str, Any] = {"access_token": f"access-token-{self.tokens}"}
        if self.token_lifetime is not None:
            token["expires_in"] = self.token_lifetime
        if self.rotate:
            self.refresh_token = token["refresh_token"] = f"rotated-token-{self.tokens}"
        return {}, token

    # </feature>
    # <feature auth.oauth2>

    def _check_client(
        self, request: httpx.Request, form: dict[str, str], check: dict[str, Any]
    ) -> None:
        if check["client_authentication"] == "basic":
            sent = request.headers.get("Authorization", "").removeprefix("Basic ")
            client = [unquote_plus(half) for half in base64.b64decode(sent).decode().split(":")]
        else:
            client = [form.get("client_id", ""), form.get("client_secret", "")]
        if client != [check["client_id"], check["client_secret"]]:
            raise RefusedError(401, "invalid_client")
        if form.get("grant_type") != check["grant_type"]:
            raise RefusedError(400, "unsupported_grant_type")
        if form.get("refresh_token") != self.refresh_token:
            raise RefusedError(400, "invalid_grant")
        if form.get("scope") != check["scope"]:
            raise RefusedError(400, "invalid_scope")

    # </feature>
    # <feature auth.session>

    def _session(
        self, request: httpx.Request, check: dict[str, Any]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        text = request.content.decode()
        sent = json.loads(text) if check["encoding"] == "json" else dict(parse_qsl(text))
        if sent != check["login"]:
            raise RefusedError(401, "Wrong user name or password.")
        self.tokens += 1
        token = f"access-token-{self.tokens}"
        if check["token_cookie"]:
            return {"Set-Cookie": f"{check['token_cookie']}={token}; Path=/; HttpOnly"}, {}
        body: dict[str, Any] = {}
        place = body
        for key in check["token_path"][:-1]:
            place = place.setdefault(key, {})
        place[check["token_path"][-1]] = token
        return {}, body

    # </feature>


def _cookies(request: httpx.Request) -> dict[str, list[str]]:
    """The cookies of a request by name; a name that comes twice has two values."""
    found: dict[str, list[str]] = {}
    for part in request.headers.get("Cookie", "").split("; "):
        name, _, value = part.partition("=")
        found.setdefault(name, []).append(value)
    return found


# <feature auth.hmac>


def _is_signed(request: httpx.Request, check: dict[str, Any]) -> bool:
    """Whether a request is signed with the secret, as the API says that it must be."""
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    values: dict[str, str] = {}
    names = []
    for part in check["sent"]:
        held = [value for name, value in pairs if name == part["name"]]
        if part["in"] == "header":
            held = request.headers.get_list(part["name"])
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(part["value"]))
        found = re.fullmatch(pattern, held[0]) if len(held) == 1 else None
        if found is None:
            return False
        values |= found.groupdict()
        if part["in"] == "query" and "{signature}" in part["value"]:
            names.append(part["name"])
    if values.get("key", check["key"]) != check["key"]:
        return False
    path, _, query = request.url.raw_path.decode().partition("?")
    signed = [pair for pair in query.split("&") if pair and pair.split("=")[0] not in names]
    values |= {
        "method": request.method,
        "host": request.headers["Host"],
        "path": path,
        "query": "&".join(signed),
        "path_and_query": path + ("?" + "&".join(signed) if signed else ""),
        "body": request.content.decode(),
        "body_hash": hashlib.new(check["algorithm"], request.content).hexdigest(),
        "key": check["key"],
    }
    text = re.sub(r"\{(\w+)\}", lambda name: values[name[1]], check["message"])
    secret = {
        "text": str.encode,
        "base64": base64.b64decode,
        "hex": bytes.fromhex,
    }[check["secret_encoding"]](check["secret"])
    digest = hmac.new(secret, text.encode(), check["algorithm"]).digest()
    expected = digest.hex() if check["encoding"] == "hex" else base64.b64encode(digest).decode()
    return values["signature"] == expected


# </feature>
