"""What can go wrong, sorted by who can mend it: the person, time, or a developer."""

from typing import ClassVar, Literal

FailureType = Literal["config_error", "transient_error", "system_error"]


class ConnectorError(Exception):
    """A failure worded for the person. Its message never holds a secret."""

    failure_type: ClassVar[FailureType] = "system_error"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class ConfigError(ConnectorError):
    """The configuration must change: a wrong key, a missing permission, an unusable value."""

    failure_type = "config_error"


class TransientError(ConnectorError):
    """The same read may succeed later; it has been retried as often as is sensible."""

    failure_type = "transient_error"

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class RateLimitedError(TransientError):
    """The API asks to slow down (429). `retry_after` is in seconds, where the API says so."""


class ApiError(ConnectorError):
    """The API or this connector does not behave as described."""


class PagingError(ApiError):
    """Going on would read the same pages for ever."""
