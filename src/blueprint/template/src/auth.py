"""How requests prove who sends them: one small class per scheme. A request may need several."""

import base64
from abc import abstractmethod
from typing import Any, Protocol
from urllib.parse import quote_plus

import httpx
from pydantic import SecretStr

from .errors import ApiError, ConfigError


class Authenticator:
    """Leaves requests as they are; the base of the schemes that add something."""

    def secrets(self) -> list[str]:
        """Return the values that must never be shown."""
        return []

    async def apply(self, request: httpx.Request) -> None:
        """Add the credentials to a request that is about to be sent."""
# <feature auth.api_key.header>


class ApiKeyHeader(Authenticator):
    """A key in a header of its own, after a fixed prefix where the API wants one."""

    def __init__(self, name: str, key: SecretStr, prefix: str = "") -> None:
        self._name = name
        self._key = key
        self._prefix = prefix

    def secrets(self) -> list[str]:
        """Return the key."""
        return [self._key.get_secret_value()]

    async def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers[self._name] = self._prefix + self._key.get_secret_value()
# </feature>
# <feature auth.api_key.query>


class ApiKeyQuery(Authenticator):
    """A key in the query string."""

    def __init__(self, name: str, key: SecretStr, prefix: str = "") -> None:
        self._name = name
        self._key = key
        self._prefix = prefix

    def secrets(self) -> list[str]:
        """Return the key."""
        return [self._key.get_secret_value()]

    async def apply(self, request: httpx.Request) -> None:
        """Set the parameter; a next-page URL that carries it already keeps one only."""
        value = self._prefix + self._key.get_secret_value()
        request.url = request.url.copy_set_param(self._name, value)
# </feature>
# <feature auth.api_key.cookie>


class ApiKeyCookie(Authenticator):
    """A key in a cookie."""

    def __init__(self, name: str, key: SecretStr, prefix: str = "") -> None:
        self._name = name
        self._key = key
        self._prefix = prefix

    def secrets(self) -> list[str]:
        """Return the key."""
        return [self._key.get_secret_value()]

    async def apply(self, request: httpx.Request) -> None:
        """Add the cookie beside any other."""
        cookie = f"{self._name}={self._prefix}{self._key.get_secret_value()}"
        others = request.headers.get("Cookie")
        request.headers["Cookie"] = f"{others}; {cookie}" if others else cookie
# </feature>
# <feature auth.bearer>


class BearerToken(Authenticator):
    """A token in the `Authorization` header."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def secrets(self) -> list[str]:
        """Return the token."""
        return [self._token.get_secret_value()]

    async def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
# </feature>
# <feature auth.basic|auth.oauth2>


def _basic(username: str, password: str) -> str:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return f"Basic {pair}"
# </feature>
# <feature auth.basic>


class BasicAuth(Authenticator):
    """A user name and a password."""

    def __init__(self, username: str, password: SecretStr) -> None:
        self._username = username
        self._password = password

    def _header(self) -> str:
        return _basic(self._username, self._password.get_secret_value())

    def secrets(self) -> list[str]:
        """Return the password, and the header's value, from which it can be read."""
        return [self._password.get_secret_value(), self._header().removeprefix("Basic ")]

    async def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers["Authorization"] = self._header()
# </feature>
# <feature auth.oauth2>


class Session(Protocol):
    """What fetching a token needs from the client."""

    base_url: str

    def now(self) -> float:
        """Return the time in seconds since 1970."""

    async def exchange(self, request: httpx.Request) -> Any:
        """Send a request without credentials of the API, retried, and return its JSON."""

    def learn_secret(self, secret: str) -> None:
        """Keep a value out of everything that is shown from now on."""
# <feature auth.refresh_token>

    def rotated(self, refresh_token: str) -> None:
        """Hand on a refresh token that replaces the configured one."""
# </feature>


class OAuth2Token(Authenticator):
    """An access token that is fetched when needed and again before it expires."""

    _RENEW_BEFORE_EXPIRY = 60.0

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        scopes: tuple[str, ...] = (),
        basic: bool,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._basic = basic
        self._session: Session | None = None
        self._token: str | None = None
        self._expires_at: float | None = None

    def connect(self, session: Session) -> None:
        """Say through whom tokens are fetched."""
        self._session = session

    def secrets(self) -> list[str]:
        """Return the client's secret, and the header's value, from which it can be read."""
        secret = self._client_secret.get_secret_value()
        return [secret, _basic(self._client_id, secret).removeprefix("Basic ")]

    def forget(self) -> bool:
        """Drop the token because the API refused it; false if there was none to drop."""
        had_token = self._token is not None
        self._token = None
        return had_token

    async def apply(self, request: httpx.Request) -> None:
        """Set the header, after fetching a token if the one at hand is missing or stale."""
        session = self._session
        if session is None:
            raise ApiError("The authenticator is not connected to a client.")
        expired = self._expires_at is not None and session.now() >= self._expires_at
        if self._token is None or expired:
            await self._fetch(session)
        request.headers["Authorization"] = f"Bearer {self._token}"

    @abstractmethod
    def _grant(self) -> dict[str, str]:
        """Return the form fields that say what the token is asked for with."""

    async def _fetch(self, session: Session) -> None:
        form = self._grant()
        headers = {"Accept": "application/json"}
        secret = self._client_secret.get_secret_value()
        if self._basic:
            # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            headers["Authorization"] = _basic(quote_plus(self._client_id), quote_plus(secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": secret}
        if self._scopes:
            form["scope"] = " ".join(self._scopes)
        url = httpx.URL(f"{session.base_url}/").join(self._token_url)
        answer = await session.exchange(httpx.Request("POST", url, data=form, headers=headers))
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise ConfigError(f"{url.host} answered the token request without an access token.")
        session.learn_secret(token)
        self._token = token
        self._expires_at = self._expiry(answer.get("expires_in"), session.now())
        self._received(answer, session)

    def _expiry(self, expires_in: Any, now: float) -> float | None:
        try:
            lifetime = float(expires_in)
        except (TypeError, ValueError):
            return None
        return now + max(lifetime - self._RENEW_BEFORE_EXPIRY, lifetime / 2)

    def _received(self, answer: dict[str, Any], session: Session) -> None:
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

    def _received(self, answer: dict[str, Any], session: Session) -> None:
        """Keep a new refresh token: the old one may be good for a single use only."""
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated and rotated != self._refresh_token:
            self._refresh_token = rotated
            session.learn_secret(rotated)
            session.rotated(rotated)
# </feature>
# </feature>
