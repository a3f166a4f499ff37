"""How requests prove who sends them: one small class per scheme. A request may need several."""

import base64
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer, its body parsed."""

    url: str
    headers: httpx.Headers
    content: bytes
    body: Any
# <feature auth.fetched|auth.hmac>


class Channel(Protocol):
    """What a scheme needs from the client that it serves."""

    base_url: str

    def now(self) -> float:
        """Return the time in seconds since 1970."""
# <feature auth.fetched>

    async def exchange(self, request: httpx.Request) -> ApiResponse:
        """Send a request without credentials of the API, retried, and return its answer."""

    def learn_secret(self, secret: str) -> None:
        """Keep a value out of everything that is shown from now on."""
# </feature>
# <feature auth.refresh_token>

    def rotated(self, refresh_token: str) -> None:
        """Hand on a refresh token that replaces the configured one."""
# </feature>
# </feature>


class Authenticator:
    """Leaves requests as they are; the base of the schemes that add something."""

    def secrets(self) -> list[str]:
        """Return the values that must never be shown."""
        return []
# <feature auth.fetched|auth.hmac>

    def connect(self, channel: Channel) -> None:
        """Say which client the scheme serves."""
# </feature>
# <feature auth.fetched>

    async def prepare(self) -> None:
        """Fetch what `apply` needs, if it is missing or stale."""

    def refused(self, request: httpx.Request) -> bool:
        """Take note that the API refused a request; true if another one would differ from it."""
        return False
# </feature>

    def apply(self, request: httpx.Request) -> None:
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

    def apply(self, request: httpx.Request) -> None:
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

    def apply(self, request: httpx.Request) -> None:
        """Set the parameter; a next-page URL that carries it already keeps one only."""
        value = self._prefix + self._key.get_secret_value()
        request.url = request.url.copy_set_param(self._name, value)
# </feature>
# <feature auth.api_key.cookie|auth.session>


def set_cookie(request: httpx.Request, name: str, value: str) -> None:
    """Set a cookie of a request, in place of one of the same name that the API had set."""
    cookies = [part for part in request.headers.get("Cookie", "").split("; ") if part]
    others = [part for part in cookies if not part.startswith(f"{name}=")]
    request.headers["Cookie"] = "; ".join([*others, f"{name}={value}"])
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

    def apply(self, request: httpx.Request) -> None:
        """Set the cookie beside any other."""
        set_cookie(request, self._name, self._prefix + self._key.get_secret_value())
# </feature>
# <feature auth.bearer>


class BearerToken(Authenticator):
    """A token in the `Authorization` header."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def secrets(self) -> list[str]:
        """Return the token."""
        return [self._token.get_secret_value()]

    def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
# </feature>
# <feature auth.basic|auth.oauth2>


def basic(username: str, password: str) -> str:
    """Return the header of basic authentication (RFC 7617)."""
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
        return basic(self._username, self._password.get_secret_value())

    def secrets(self) -> list[str]:
        """Return the password, and the header's value, from which it can be read."""
        return [self._password.get_secret_value(), self._header().removeprefix("Basic ")]

    def apply(self, request: httpx.Request) -> None:
        """Set the header."""
        request.headers["Authorization"] = self._header()
# </feature>
