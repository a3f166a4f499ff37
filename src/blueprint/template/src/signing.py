"""Requests signed with a shared secret (HMAC, RFC 2104): the secret itself never travels."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import httpx
from pydantic import SecretStr

from .auth import Authenticator, Channel
from .errors import ApiError, ConfigError


TimestampFormat = Literal["unix_seconds", "unix_milliseconds", "date_time"]


@dataclass(frozen=True, slots=True)
class Signed:
    """A header or query parameter that belongs to a signature; `value` names what goes into it."""

    location: Literal["header", "query"]
    name: str
    value: str


class Hmac(Authenticator):
    """Signs each request.

    `message` is the text that is signed. In it, and in what is sent, these are replaced: `{key}`, `{method}`,
    `{host}`, `{path}`, `{query}`, `{path_and_query}`, `{body}`, `{body_hash}` (hexadecimal), `{timestamp}`,
    `{nonce}`; in what is sent, `{signature}` too.
    """

    def __init__(
        self,
        key: SecretStr,
        secret: SecretStr,
        *,
        algorithm: Literal["sha1", "sha256", "sha512"],
        message: str,
        sent: tuple[Signed, ...],
        encoding: Literal["hex", "base64"] = "hex",
        written_as: Literal["text", "base64", "hex"] = "text",
        timestamp_format: TimestampFormat = "unix_seconds",
    ) -> None:
        self._key = key
        self._secret = secret
        self._algorithm = algorithm
        self._message = message
        self._sent = sent
        self._encoding = encoding
        self._written_as = written_as
        self._timestamp_format = timestamp_format
        self._channel: Channel | None = None

    def secrets(self) -> list[str]:
        """Return the key and the secret."""
        return [self._key.get_secret_value(), self._secret.get_secret_value()]

    def connect(self, channel: Channel) -> None:
        """Say whose clock tells the time."""
        self._channel = channel

    def apply(self, request: httpx.Request) -> None:
        """Add what belongs to the signature, and last the signature of all that."""
        if self._channel is None:
            raise ApiError("The authenticator is not connected to a client.")
        values = {
            "key": self._key.get_secret_value(),
            "timestamp": self._timestamp(self._channel.now()),
            "nonce": secrets.token_hex(16),
        }
        signatures = [part for part in self._sent if "{signature}" in part.value]
        for part in signatures:
            # A next-page URL may carry the signature of the page before.
            if part.location == "query":
                request.url = request.url.copy_remove_param(part.name)
        for part in self._sent:
            if part not in signatures:
                _put(request, part, _filled(part.value, values))
        values |= self._request_values(request)
        values["signature"] = self._signature(_filled(self._message, values))
        for part in signatures:
            _put(request, part, _filled(part.value, values))

    def _timestamp(self, now: float) -> str:
        if self._timestamp_format == "date_time":
            return datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return str(int(now * 1000 if self._timestamp_format == "unix_milliseconds" else now))

    def _request_values(self, request: httpx.Request) -> dict[str, str]:
        url = request.url
        return {
            "method": request.method,
            "host": url.netloc.decode("ascii"),
            "path": url.raw_path.decode("ascii").split("?")[0],
            "query": url.query.decode("ascii"),
            "path_and_query": url.raw_path.decode("ascii"),
            "body": request.content.decode(),
            "body_hash": hashlib.new(self._algorithm, request.content).hexdigest(),
        }

    def _signature(self, message: str) -> str:
        digest = hmac.digest(self._secret_bytes(), message.encode(), self._algorithm)
        return digest.hex() if self._encoding == "hex" else base64.b64encode(digest).decode("ascii")

    def _secret_bytes(self) -> bytes:
        secret = self._secret.get_secret_value()
        try:
            if self._written_as == "base64":
                return base64.b64decode(secret, validate=True)
            if self._written_as == "hex":
                return bytes.fromhex(secret)
        except (binascii.Error, ValueError):
            pass
        else:
            return secret.encode()
        # Raised out here: the original may show what was typed.
        raise ConfigError(f"The secret is not {self._written_as}, as the API gives it out.")


def _filled(template: str, values: dict[str, str]) -> str:
    # In one go: a body may hold text that looks like another name.
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], name[0]), template)


def _put(request: httpx.Request, part: Signed, value: str) -> None:
    if part.location == "header":
        request.headers[part.name] = value
    else:
        request.url = request.url.copy_set_param(part.name, value)
