"""A tap of the Singer SDK for the same API, as its cookiecutter would make it.

    python singer_tap.py default --config config.json [--state state.json]
    python singer_tap.py tuned …

Tuned is what the SDK's documentation offers: the writer that uses msgspec, no conforming of types, and the wait that
the API asks for.
"""

import sys
from collections.abc import Callable, Generator
from typing import Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers._typing import TypeConformanceLevel

ROW = th.PropertiesList(
    th.Property(
        "address",
        th.ObjectType(
            th.Property("city", th.StringType),
            th.Property("country", th.StringType),
            th.Property("street", th.StringType),
        ),
    ),
    th.Property("amount", th.NumberType),
    th.Property("description", th.StringType),
    th.Property("email", th.StringType),
    th.Property("id", th.IntegerType),
    th.Property("is_active", th.BooleanType),
    th.Property("name", th.StringType),
    th.Property("status", th.StringType),
    th.Property("tags", th.ArrayType(th.StringType)),
    th.Property("updated_at", th.DateTimeType),
).to_dict()

ACCOUNT = th.PropertiesList(
    th.Property("id", th.IntegerType), th.Property("name", th.StringType)
).to_dict()


class ApiStream(RESTStream):
    """A list of the API."""

    primary_keys: ClassVar[list[str]] = ["id"]
    records_jsonpath = "$.data[*]"
    next_page_token_jsonpath = "$.meta.next"
    schema = ROW

    @property
    def url_base(self) -> str:
        """Return where the API is."""
        return self.config["base_url"]

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """Authenticate by token."""
        return BearerTokenAuthenticator(token=self.config["token"])

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """Ask for a page, from the state on."""
        params: dict[str, Any] = {"limit": self.config["limit"]}
        if next_page_token:
            params["cursor"] = next_page_token
        if self.replication_key:
            since = self.get_starting_replication_key_value(context)
            if since:
                params["updated_since"] = since
        return params


class Untyped:
    """What a stream may do to be faster."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def backoff_wait_generator(self) -> Generator[float, None, None]:
        """Wait as long as the API asks."""

        def asked(error: Any) -> float:
            response = getattr(error, "response", None)
            return float(response.headers.get("Retry-After", 1)) if response is not None else 1.0

        return self.backoff_runtime(value=asked)


class TapBench(Tap):
    """The tap as it comes."""

    name = "tap-bench"
    bases: ClassVar[tuple[type, ...]] = (ApiStream,)
    config_jsonschema = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("limit", th.IntegerType, required=True),
        th.Property("streams", th.ArrayType(th.StringType), required=True),
        th.Property("accounts", th.BooleanType, required=True),
        th.Property("incremental", th.BooleanType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[RESTStream]:
        """Make a stream of each list."""
        made: list[RESTStream] = []
        if self.config["accounts"]:
            accounts = type("Accounts", self.bases, _accounts())
            made.append(accounts(tap=self))
            child = {
                "name": "events",
                "path": "/accounts/{account_id}/events",
                "parent_stream_type": accounts,
            }
            made.append(type("Events", self.bases, child)(tap=self))
            return made
        key = "updated_at" if self.config["incremental"] else None
        for name in self.config["streams"]:
            attributes = {"name": name, "path": f"/{name}", "replication_key": key}
            made.append(type(name.title(), self.bases, attributes)(tap=self))
        return made


def _accounts() -> dict[str, Any]:
    context: Callable[..., dict[str, Any]] = lambda self, record, context: {"account_id": record["id"]}
    return {"name": "accounts", "path": "/accounts", "schema": ACCOUNT, "get_child_context": context}


class TunedTapBench(TapBench):
    """The tap with what the documentation offers for speed."""

    bases: ClassVar[tuple[type, ...]] = (Untyped, ApiStream)
    message_writer_class = MsgSpecWriter


(TunedTapBench if sys.argv.pop(1) == "tuned" else TapBench).cli()
