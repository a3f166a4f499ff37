"""Credentials that are fetched when needed, and again before they expire: OAuth 2, sessions, signed tokens."""

import asyncio
from abc import abstractmethod
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote_plus

import httpx
import jwt
from pydantic import SecretStr

from .auth import ApiResponse, Authenticator, Channel, basic, set_cookie
from .errors import ApiError, ConfigError
from .utils import FieldPath, get_path

_RENEW_BEFORE_EXPIRY = 60.0


class FetchedToken(Authenticator):
    """A token that all requests share. However many need a new one, it is fetched once."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._fetching = asyncio.Lock()
        self._token = ""
        self._is_stale = True
        self._expires_at: float | None = None

    def connect(self, channel: Channel) -> None:
        """Say through whom tokens are fetched."""
        self._channel = channel

    async def prepare(self) -> None:
        """Fetch a token if the one at hand is missing, refused or about to expire."""
        channel = self._channel
        if channel is None:
            raise ApiError("The authenticator is not connected to a client.")
        async with self._fetching:
            expired = self._expires_at is not None and channel.now() >= self._expires_at
            if self._is_stale or expired:
                await self._fetch(channel)

    def refused(self, request: httpx.Request) -> bool:
        """Drop the token if the refused request carried it; else another one is at hand already."""
        self._is_stale = self._is_stale or self._carries(request)
        return True

    def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"

    def _carries(self, request: httpx.Request) -> bool:
        return bool(request.headers.get("Authorization") == f"Bearer {self._token}")

    @abstractmethod
    async def _fetch(self, channel: Channel) -> None:
        """Fetch a token and `_keep` it."""

    def _keep(self, channel: Channel, token: Any, expires_in: Any, host: str) -> None:
        if not isinstance(token, str) or not token:
            raise ConfigError(f"{host} answered the token request without an access token.")
        channel.learn_secret(token)
        self._token = token
        self._is_stale = False
        self._expires_at = _expiry(expires_in, channel.now())


def _expiry(expires_in: Any, now: float) -> float | None:
    """Return when a token is to be renewed; `None` where nothing says how long it is good for."""
    try:
        lifetime = float(expires_in)
    except (TypeError, ValueError):
        return None
    return now + max(lifetime - _RENEW_BEFORE_EXPIRY, lifetime / 2)


def _address(channel: Channel, url: str) -> httpx.URL:
    return httpx.URL(f"{channel.base_url}/").join(url)
# <feature auth.oauth2>


class OAuth2Token(FetchedToken):
    """An access token of OAuth 2 (RFC 6749), asked for with the client's own identity."""

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        scopes: tuple[str, ...] = (),
        basic: bool,
    ) -> None:
        super().__init__()
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._basic = basic

    def secrets(self) -> list[str]:
        """Return the client's secret, and the header's value, from which it can be read."""
        secret = self._client_secret.get_secret_value()
        return [secret, basic(self._client_id, secret).removeprefix("Basic ")]

    @abstractmethod
    def _grant(self) -> dict[str, str]:
        """Return the form fields that say what the token is asked for with."""

    async def _fetch(self, channel: Channel) -> None:
        form = self._grant()
        headers = {"Accept": "application/json"}
        secret = self._client_secret.get_secret_value()
        if self._basic:
            # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            headers["Authorization"] = basic(quote_plus(self._client_id), quote_plus(secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": secret}
        if self._scopes:
            form["scope"] = " ".join(self._scopes)
        url = _address(channel, self._token_url)
        answer = await channel.exchange(httpx.Request("POST", url, data=form, headers=headers))
        body = answer.body if isinstance(answer.body, dict) else {}
        self._keep(channel, body.get("access_token"), body.get("expires_in"), url.host)
        self._received(body, channel)

    def _received(self, answer: dict[str, Any], channel: Channel) -> None:
        """Look at the rest of the token endpoint's answer."""
# <feature auth.client_credentials>


class ClientCredentials(OAuth2Token):
    """OAuth 2 for programs: the client's own identity is enough."""

    def _grant(self) -> dict[str, str]:
        return {"grant_type": "client_credentials"}
# </feature>
# <feature auth.refresh_token>


class RefreshToken(OAuth2Token):
    """OAuth 2 on behalf of a person, whose consent the refresh token stands for."""

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: SecretStr,
        refresh_token: SecretStr,
        *,
        scopes: tuple[str, ...] = (),
        basic: bool,
    ) -> None:
        super().__init__(token_url, client_id, client_secret, scopes=scopes, basic=basic)
        self._refresh_token = refresh_token.get_secret_value()

    def secrets(self) -> list[str]:
        """Return the refresh token and the client's secret."""
        return [*super().secrets(), self._refresh_token]

    def _grant(self) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": self._refresh_token}

    def _received(self, answer: dict[str, Any], channel: Channel) -> None:
        """Keep a new refresh token: the old one may be good for a single use only."""
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated and rotated != self._refresh_token:
            self._refresh_token = rotated
            channel.learn_secret(rotated)
            channel.rotated(rotated)
# </feature>
# </feature>
# <feature auth.jwt_bearer>


class ServiceAccount(FetchedToken):
    """A signed statement of who asks (RFC 7523): exchanged for a token, or itself the token."""

    _ISSUED_AGO = 60
    """Seconds. Servers refuse a statement from their future, and clocks differ."""

    def __init__(
        self,
        issuer: str,
        private_key: SecretStr,
        *,
        algorithm: str,
        lifetime: int,
        audience: str = "",
        token_url: str | None = None,
        scopes: tuple[str, ...] = (),
        key_id: str | None = None,
        subject: str | None = None,
    ) -> None:
        super().__init__()
        self._issuer = issuer
        # Copied from a JSON file, the line ends of a key are often still escaped.
        self._private_key = private_key.get_secret_value().replace("\\n", "\n")
        self._algorithm = algorithm
        self._lifetime = lifetime
        self._audience = audience
        self._token_url = token_url
        self._scopes = scopes
        self._key_id = key_id
        self._subject = subject
        self._signed_at = 0.0

    def secrets(self) -> list[str]:
        """Return the key, and each line of it: an error may show a part."""
        return [self._private_key, *self._private_key.splitlines()[1:-1]]

    def refused(self, request: httpx.Request) -> bool:
        """Take note of a refusal; a statement of the same second would say the same once more."""
        told = super().refused(request)
        channel = self._channel
        aged = channel is not None and channel.now() >= self._signed_at + 1
        return told and (self._token_url is not None or aged)

    def _statement(self, channel: Channel) -> str:
        self._signed_at = channel.now()
        issued = int(channel.now()) - self._ISSUED_AGO
        claims = {"iss": self._issuer, "iat": issued, "exp": issued + self._lifetime}
        url = _address(channel, self._token_url) if self._token_url is not None else ""
        named = {
            "aud": self._audience or str(url),
            "sub": self._subject,
            "scope": " ".join(self._scopes),
        }
        headers = {"kid": self._key_id} if self._key_id else None
        signed = claims | {name: value for name, value in named.items() if value}
        try:
            return jwt.encode(signed, self._private_key, self._algorithm, headers)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            reason = type(error).__name__
        # Raised out here so that nothing of the key is chained to it.
        raise ConfigError(f"The private key can't be used for {self._algorithm} ({reason}).")

    async def _fetch(self, channel: Channel) -> None:
        statement = self._statement(channel)
        channel.learn_secret(statement)
        if self._token_url is None:
            self._keep(channel, statement, self._lifetime - self._ISSUED_AGO, "")
            return
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        form = {"grant_type": grant, "assertion": statement}
        url = _address(channel, self._token_url)
        answer = await channel.exchange(
            httpx.Request("POST", url, data=form, headers={"Accept": "application/json"})
        )
        body = answer.body if isinstance(answer.body, dict) else {}
        self._keep(channel, body.get("access_token"), body.get("expires_in"), url.host)
# </feature>
# <feature auth.session>


class SessionLogin(FetchedToken):
    """A session that begins with a user name and a password, and is named in each request.

    `login` is what the log-in sends beside the password, which goes into `field`. The session is found in the
    answer at `answer_path`, or in the cookie `answer_cookie` that it sets.
    """

    def __init__(
        self,
        login_url: str,
        login: dict[str, str],
        password: SecretStr,
        *,
        field: str,
        as_form: bool = False,
        answer_path: FieldPath | None = None,
        answer_cookie: str = "",
        header: str | None = "Authorization",
        cookie: str = "",
        prefix: str = "",
        lifetime: int | None = None,
    ) -> None:
        super().__init__()
        self._login_url = login_url
        self._login = login
        self._password = password
        self._field = field
        self._as_form = as_form
        self._answer_path = answer_path
        self._answer_cookie = answer_cookie
        self._header = header
        self._cookie = cookie
        self._prefix = prefix
        self._lifetime = lifetime

    def secrets(self) -> list[str]:
        """Return the password."""
        return [self._password.get_secret_value()]

    def apply(self, request: httpx.Request) -> None:
        """Set the header or the cookie."""
        value = self._prefix + self._token
        if self._header is not None:
            request.headers[self._header] = value
        else:
            set_cookie(request, self._cookie, value)

    def _carries(self, request: httpx.Request) -> bool:
        value = self._prefix + self._token
        if self._header is not None:
            return bool(request.headers.get(self._header) == value)
        return f"{self._cookie}={value}" in request.headers.get("Cookie", "").split("; ")

    async def _fetch(self, channel: Channel) -> None:
        fields = {**self._login, self._field: self._password.get_secret_value()}
        url = _address(channel, self._login_url)
        headers = {"Accept": "application/json"}
        if self._as_form:
            request = httpx.Request("POST", url, data=fields, headers=headers)
        else:
            request = httpx.Request("POST", url, json=fields, headers=headers)
        token = self._token_in(await channel.exchange(request))
        self._keep(channel, token, self._lifetime, url.host)

    def _token_in(self, answer: ApiResponse) -> Any:
        if self._answer_path is not None:
            return get_path(answer.body, self._answer_path)
        for line in answer.headers.get_list("Set-Cookie"):
            try:
                found = SimpleCookie(line).get(self._answer_cookie)
            except CookieError:
                continue
            if found is not None:
                return found.value
        return None
# </feature>
