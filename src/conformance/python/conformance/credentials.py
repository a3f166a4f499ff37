"""How the suite's server knows who sends a request: keys, tokens that expire, refresh tokens for a single use."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from .exchange import Answer, Fault, RefusedError, Request
from .paths import put
from .signatures import GRANT_TYPE, check_statement, signed_values

TOKEN_PATH = "/made-up-token-endpoint"  # noqa: S105
"""Below the server's own address; used where a configuration may name another token endpoint."""


class Gate:
    """One way to authenticate. `option` is how `api.json` tells it, None where nothing is asked for.

    Only where the sender goes by the same clock (`same_clock`) is the time of what it signs looked at.
    """

    def __init__(
        self, option: Mapping[str, Any] | None, now: Callable[[], float], *, same_clock: bool
    ) -> None:
        self._checks: list[Mapping[str, Any]] = list(option["checks"]) if option else []
        self._now = now
        self._same_clock = same_clock
        self._nonces: set[str] = set()
        #: Seconds that a token holds; None: for ever, and nothing is said about it.
        self.lifetime: float | None = 3600.0
        #: Whether each refresh token is good for a single use.
        self.rotates = False
        self.tokens: list[str] = []
        #: Every value that a token endpoint gave away: secrets, too.
        self.given: list[str] = []
        self._expires_at: float | None = None
        oauth = self.oauth
        self.refresh_token: str | None = oauth.get("refresh_token") if oauth else None

    @property
    def oauth(self) -> Mapping[str, Any] | None:
        """Return the check that wants a token from a token endpoint, if one does."""
        return next((check for check in self._checks if check.get("token_url")), None)

    def expire(self) -> None:
        """Let the token at hand be refused from now on."""
        self._expires_at = self._now()

    def check(self, request: Request) -> None:
        """Refuse a request without valid credentials."""
        for check in self._checks:
            if not self._is_authentic(request, check):
                raise RefusedError(401, f"No valid credentials in the {check['in']}.")

    def _is_authentic(self, request: Request, check: Mapping[str, Any]) -> bool:
        place = check["in"]
        if place in ("header", "query", "cookie"):
            name = check["name"].lower() if place == "header" else check["name"]
            held = {"header": request.headers, "query": request.query, "cookie": request.cookies}
            return bool(held[place].get(name) == check["value"])
        if check.get("token_url"):
            expired = self._expires_at is not None and self._now() >= self._expires_at
            if place == "session":
                sent = _sent_in(request, check)
                return (
                    bool(self.tokens) and not expired and sent == check["prefix"] + self.tokens[-1]
                )
            sent = request.headers.get("authorization", "")
            return bool(self.tokens) and not expired and sent == f"Bearer {self.tokens[-1]}"
        if place == "jwt":
            scheme, _, statement = request.headers.get("authorization", "").partition(" ")
            self._check_statement(statement, check)
            return scheme == "Bearer"
        return self._is_signed(request, check)

    def _is_signed(self, request: Request, check: Mapping[str, Any]) -> bool:
        said = signed_values(request, check)
        if said is None:
            return False
        # Whoever caught a request must not be able to send it again.
        nonce = said.get("nonce")
        if nonce is None:
            return True
        is_new = nonce not in self._nonces
        self._nonces.add(nonce)
        return is_new

    def _check_statement(self, statement: str, check: Mapping[str, Any]) -> None:
        check_statement(statement, check, self._now() if self._same_clock else None)

    def token_answer(self, request: Request, base_url: str) -> Answer | None:
        """Answer a request of a token; None for any other request."""
        check = self.oauth
        if check is None:
            return None
        own = urlsplit(base_url)
        target = urlsplit(request.url)
        here = (target.netloc, target.path) == (own.netloc, own.path.rstrip("/") + TOKEN_PATH)
        if not here and request.url.split("?")[0] != check["token_url"]:
            return None
        try:
            self._check_asker(request, check)
            body = self._issue()
            if check["in"] == "session":
                return _session(check, self.tokens[-1])
        except RefusedError as refused:
            return Fault(status=refused.status, body={"error": str(refused)}).answer()
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _check_asker(self, request: Request, check: Mapping[str, Any]) -> None:
        """Refuse to give a token to whom it does not belong."""
        if check["in"] == "oauth2":
            self._check_client(request, check)
            return
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        if check["in"] == "session":
            sent = request.json() if check["encoding"] == "json" else form
            if sent != check["login"]:
                raise RefusedError(401, "The user name or the password is wrong.")
            return
        if form.get("grant_type") != GRANT_TYPE:
            raise RefusedError(400, "unsupported_grant_type")
        self._check_statement(form.get("assertion", ""), check)

    def _check_client(self, request: Request, check: Mapping[str, Any]) -> None:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        client = [form.get("client_id", ""), form.get("client_secret", "")]
        if check["client_authentication"] == "basic":
            sent = request.headers.get("authorization", "").removeprefix("Basic ")
            client = [unquote_plus(half) for half in b64decode(sent).decode().split(":", 1)]
        if client != [check["client_id"], check["client_secret"]]:
            raise RefusedError(401, "invalid_client")
        if form.get("grant_type") != check["grant_type"]:
            raise RefusedError(400, "unsupported_grant_type")
        if form.get("refresh_token") != self.refresh_token:
            raise RefusedError(400, "invalid_grant")
        if form.get("scope") != check["scope"]:
            raise RefusedError(400, "invalid_scope")

    def _issue(self) -> dict[str, Any]:
        number = len(self.tokens) + 1
        # Opaque, with characters that read differently in URLs and JSON.
        self.tokens.append(f"made-up/access+token={number}")
        self.given.append(self.tokens[-1])
        token: dict[str, Any] = {"access_token": self.tokens[-1], "token_type": "Bearer"}
        self._expires_at = None
        if self.lifetime is not None:
            token["expires_in"] = int(self.lifetime)
            self._expires_at = self._now() + self.lifetime
        if self.rotates:
            self.refresh_token = token["refresh_token"] = f"made-up/rotated+token={number}"
            self.given.append(self.refresh_token)
        return token


def _sent_in(request: Request, check: Mapping[str, Any]) -> str:
    """Return what a request shows as its session."""
    place, name = check["sent_in"], check["name"]
    if place == "cookie":
        return request.cookies.get(name, "")
    return str(request.query.get(name) if place == "query" else request.headers.get(name.lower()))


def _session(check: Mapping[str, Any], token: str) -> Answer:
    """Return the answer to a login: the token in its body, or in a cookie."""
    body: dict[str, Any] = {}
    headers = {"Content-Type": "application/json"}
    if check["token_path"]:
        put(body, check["token_path"], token)
    if check["token_cookie"]:
        headers["Set-Cookie"] = f"{check['token_cookie']}={token}; Path=/"
    return Answer(200, headers, json.dumps(body).encode())
