"""The one way to the API: every request of the connector goes through `ApiClient`.

    async with ApiClient(config) as client:
        item = await client.request_json("GET", "/items/{id}", path_params={"id": 7})

`request_json(method, path, *, path_params, params, headers, cookies, body)` authenticates, keeps within the
API's limits, retries what may pass (429 with a short wait, 408, 5xx, time-outs, lost connections) and otherwise
raises a `ConnectorError` worded for the person. `None` in `params` is left out, a list is sent once per value.
"""

import asyncio
import contextlib
import logging
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from . import api
from .auth import ApiResponse
from .config import Config
from .errors import ApiError, ConfigError, ConnectorError, RateLimitedError, TransientError
from .limits import JITTER, LONGEST_WAIT, Limits
from .utils import Redactor, parse_json

Scalar = str | int | float | bool
Params = Mapping[str, Scalar | list[Any] | None]

MAX_RATE_LIMIT_RETRIES = 3
MAX_TRANSIENT_RETRIES = 4
_MAX_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_EXCERPT = 300
_HTTPX_LOG = logging.getLogger("httpx")

if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    # httpcore looks for it several times a request, which costs more than to parse a page: now it need not search.
    sys.modules["sniffio"] = None  # type: ignore[assignment]
with contextlib.suppress(ImportError, AttributeError):
    # Bytes a read from the socket. A large page comes in many small ones otherwise, at more cost than to parse it.
    import_module("httpcore._async.http11").AsyncHTTP11Connection.READ_NUM_BYTES = 512 * 1024


class ApiClient:
    """Sends requests to the API. Use it as an async context manager.

    `transport`, `sleep` and `now` are there for tests, which neither use the network nor wait.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
        # <feature auth.refresh_token>
        on_rotation: Callable[[str], None] | None = None,
        # </feature>
    ) -> None:
        self.base_url = config.resolved_base_url()
        self.now = now
        self.redact = Redactor()
        self._base = httpx.URL(self.base_url)
        self._sleep = sleep
        # <feature auth.refresh_token>
        self._on_rotation = on_rotation
        # </feature>
        self._limits = Limits(config.concurrency, sleep, now)
        self._authenticators = config.authenticators()
        for authenticator in self._authenticators:
            for secret in authenticator.secrets():
                self.redact.add(secret)
            authenticator.connect(self)  # <feature auth.fetched|auth.hmac>
        self._http = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, headers=api.HEADERS)

    async def __aenter__(self) -> Self:
        # httpx logs whole URLs, and a query string may hold a key.
        _HTTPX_LOG.addFilter(self.redact)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _HTTPX_LOG.removeFilter(self.redact)
        await self._http.aclose()

    async def request_json(
        self,
        method: str,
        path: str,
        *,
        path_params: Mapping[str, Scalar] | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Send a request below the base URL and return the parsed body of the answer."""
        url = self.url_for(path, path_params or {}, params or {})
        sent = dict(headers or {})
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return (await self.fetch(method, url, headers=sent, body=body)).body

    def url_for(self, path: str, path_params: Mapping[str, Scalar], params: Params) -> httpx.URL:
        """Return the URL of a path template below the base URL, filled and with its query."""
        for name, part in path_params.items():
            text = _text(part)
            if text in ("", ".", ".."):
                raise ApiError(f"{path}: {text!r} can't be used as {name}.")
            path = path.replace(f"{{{name}}}", quote(text, safe=""))
        url = httpx.URL(self.base_url + path)
        given = {name: value for name, value in params.items() if value is not None}
        query = [(name, value) for name, value in url.params.multi_items() if name not in given]
        for name, value in given.items():
            items = value if isinstance(value, list) else [value]
            query.extend((name, _text(item)) for item in items)
        return url.copy_with(params=query) if query else url

    async def fetch(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        parse: Callable[[bytes], Any] | None = parse_json,
    ) -> ApiResponse:
        """Send a request to a URL of the API, following redirects and links only on its own host.

        Without `parse` the body may be of any kind, and is left as bytes.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            url = self._on_own_host(url)
            response = await self._send_patiently(method, url, headers or {}, body)
            if not response.has_redirect_location:
                return self._answer(response, parse)
            url = url.join(response.headers["Location"])
            if response.status_code == httpx.codes.SEE_OTHER:
                method, body = "GET", None
        raise ApiError(f"{_shown(method, url)} was redirected {_MAX_REDIRECTS} times.")

    def _on_own_host(self, url: httpx.URL) -> httpx.URL:
        """Refuse to carry credentials elsewhere: an answer may name any URL as the next one."""
        base = self._base
        if url.host == base.host and url.scheme == "http" and base.scheme == "https":
            # Servers behind a proxy often forget that they are reached by https.
            url = url.copy_with(scheme="https", port=base.port if url.port is None else url.port)
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            raise ApiError(
                f"The API named {url.scheme}://{url.netloc.decode()} as the next address, which is not "
                f"{base.scheme}://{base.netloc.decode()}. The connector does not follow it."
            )
        return url

    async def _send_patiently(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: Any
    ) -> httpx.Response:
        async def attempt() -> httpx.Response:
            response = await self._send_in_turn(method, url, headers, body)
            # <feature auth.fetched>
            if response.status_code == httpx.codes.UNAUTHORIZED:
                refused = [part.refused(response.request) for part in self._authenticators]
                if any(refused):
                    response = await self._send_in_turn(method, url, headers, body)
            # </feature>
            return self._checked(response)

        return await self._patiently(attempt)

    async def _send_in_turn(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: Any
    ) -> httpx.Response:
        # <feature auth.fetched>
        for authenticator in self._authenticators:
            await authenticator.prepare()
        # </feature>
        async with self._limits.turn():
            request = self._http.build_request(method, url, headers=headers, json=body)
            for authenticator in self._authenticators:
                authenticator.apply(request)
            return await self._send_once(request)

    async def _patiently(self, attempt: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Repeat an attempt while it fails for reasons that pass."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            stop=_give_up,
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        """Return what the API asks for, else a delay that doubles each time, with jitter.

        Who is told to slow down slows all others down as well.
        """
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, TransientError) else None
        if asked is None:
            share = random.uniform(0.5, 1.0)  # noqa: S311
            delay = float(min(2.0**state.attempt_number * share, LONGEST_WAIT / 2))
        else:
            delay = asked + random.uniform(0.0, JITTER)  # noqa: S311
        if delay <= LONGEST_WAIT + JITTER and (asked or isinstance(error, RateLimitedError)):
            if isinstance(error, RateLimitedError):
                self._limits.refused(delay)
            self._limits.pause(delay)
        return delay

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        failure: ConnectorError
        try:
            return await self._received(request)
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            reason = self.redact(f"{type(error).__name__} {error}").strip()
            failure = TransientError(f"{_shown(request.method, request.url)} failed: {reason}")
        except (httpx.HTTPError, UnicodeError) as error:
            reason = self.redact(f"{type(error).__name__} {error}").strip()
            failure = ConfigError(f"{_shown(request.method, request.url)} failed: {reason}")
        # Raised out here so that the original, which may show the request, is not chained to it.
        raise failure

    async def _received(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer as one that holds nothing of the connection.

        httpx ties an answer and its stream into a circle, which keeps the body until the collector comes by.
        """
        response = await self._http.send(request)
        response.stream = httpx.ByteStream(b"")
        return response

    def _checked(self, response: httpx.Response) -> httpx.Response:
        """Return a usable answer; raise for any other by whose turn it is to act."""
        # <feature rate.headers>
        self._limits.heed(response.headers)
        # </feature>
        status = response.status_code
        if response.is_success or response.has_redirect_location:
            self._limits.answered()
            return response
        what = f"{_shown(response.request.method, response.request.url)} answered {status}"
        excerpt = self.redact(" ".join(response.text.split()))[:_EXCERPT]
        detail = f"{what} {response.reason_phrase}".rstrip() + (f": {excerpt}" if excerpt else "")
        if status == httpx.codes.TOO_MANY_REQUESTS or self._asks_to_wait(response):
            raise self._rate_limited(response, what)
        if status == httpx.codes.UNAUTHORIZED:
            raise ConfigError(f"The API refused the credentials. {detail}", status=status)
        if status in (httpx.codes.PAYMENT_REQUIRED, httpx.codes.FORBIDDEN):
            raise ConfigError(
                "The credentials are valid but do not allow this: a permission, scope or plan "
                f"is missing. {detail}",
                status=status,
            )
        if status == httpx.codes.REQUEST_TIMEOUT or response.is_server_error:
            raise TransientError(detail, status=status, retry_after=self._retry_after(response))
        raise ApiError(detail, status=status)

    def _asks_to_wait(self, response: httpx.Response) -> bool:
        """Return whether a 403 is about the rate, as some APIs answer it, and not about permissions."""
        if response.status_code != httpx.codes.FORBIDDEN:
            return False
        # <feature rate.headers>
        if response.headers.get(api.REMAINING_HEADER, "").strip() == "0":
            return True
        # </feature>
        return api.RETRY_AFTER_HEADER in response.headers

    def _rate_limited(self, response: httpx.Response, what: str) -> RateLimitedError:
        wait = self._retry_after(response)
        if wait is not None and wait > LONGEST_WAIT:
            message = (
                f"{what}: the API's quota is used up. It asks to wait {wait:.0f} seconds; "
                "read again then, or raise the quota."
            )
        else:
            message = (
                f"{what}: the API's rate limit is exceeded, also after "
                f"{MAX_RATE_LIMIT_RETRIES} retries."
            )
        return RateLimitedError(message, status=response.status_code, retry_after=wait)

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Return the seconds to wait that the answer names in a header or in its body."""
        text = response.headers.get(api.RETRY_AFTER_HEADER, "").strip()
        if text:
            try:
                return max(float(text), 0.0)
            except ValueError:
                pass
            try:
                return max(parsedate_to_datetime(text).timestamp() - self.now(), 0.0)
            except ValueError:
                pass
        # <feature rate.headers>
        wait = self._limits.until_reset(response.headers)
        if wait is not None:
            return wait
        # </feature>
        try:
            body = parse_json(response.content)
            return max(float(body["retry_after"]), 0.0)
        except (ValueError, TypeError, KeyError):
            return None

    def _answer(
        self, response: httpx.Response, parse: Callable[[bytes], Any] | None = parse_json
    ) -> ApiResponse:
        body = None
        if parse is not None:
            try:
                body = parse(response.content)
            except ValueError:
                shown = _shown(response.request.method, response.request.url)
                kind = response.headers.get("Content-Type", "no media type")
                raise ApiError(f"{shown} answered with {kind}, not valid JSON.") from None
        return ApiResponse(str(response.url), response.headers, response.content, body)
    # <feature auth.fetched>

    async def exchange(self, request: httpx.Request) -> ApiResponse:
        """Send a request for a token as it is, retried like any other."""

        async def attempt() -> httpx.Response:
            response = await self._send_once(request)
            if response.is_client_error and response.status_code not in _PASSING:
                excerpt = self.redact(" ".join(response.text.split()))[:_EXCERPT]
                raise ConfigError(
                    f"{request.url.host} refused to give an access token "
                    f"({response.status_code}): {excerpt}",
                    status=response.status_code,
                )
            return self._checked(response)

        return self._answer(await self._patiently(attempt))

    def learn_secret(self, secret: str) -> None:
        """Keep a value out of everything that is shown from now on."""
        self.redact.add(secret)
    # </feature>
    # <feature auth.refresh_token>

    def rotated(self, refresh_token: str) -> None:
        """Hand on a refresh token that replaces the configured one."""
        if self._on_rotation is not None:
            self._on_rotation(refresh_token)
    # </feature>


# <feature auth.fetched>
_PASSING = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)
# </feature>


def _text(value: Any) -> str:
    """Return a value as it is written in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(method: str, url: httpx.URL) -> str:
    """Return a request as messages name it: without the query, which may hold a key."""
    return f"{method} {url.copy_with(query=None, fragment=None)}"


def _give_up(state: RetryCallState) -> bool:
    """Stop when the API asks for more patience than is sensible, or after enough attempts."""
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientError):
        return True
    if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
        return True
    limited = isinstance(error, RateLimitedError)
    return state.attempt_number > (MAX_RATE_LIMIT_RETRIES if limited else MAX_TRANSIENT_RETRIES)
