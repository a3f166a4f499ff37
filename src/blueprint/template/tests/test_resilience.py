"""How the connector bears with an API that is busy, slow or broken, and that it gives nothing away meanwhile."""

import asyncio
import traceback
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from src import api as constants
from src.client import ApiClient
from src.config import Config
from src.errors import ApiError, ConfigError, ConnectorError, RateLimitedError, TransientError
from src.models import Stream
from src.records import rows_in
from tests.conftest import World, config_json, of_type
from tests.mock_api import API, STREAMS, MockApi, expected_records

STREAM = next(name for name, stream in STREAMS.items() if stream["parent"] is None)
COUNT = len(expected_records(STREAM))


@pytest.mark.parametrize("status", [429, 403])
def test_retry_after_in_seconds_is_waited_for(world: World, status: int) -> None:
    world.api.fail(status=status, headers={constants.RETRY_AFTER_HEADER: "37"})
    assert len(world.read(STREAM)) == COUNT
    (slept,) = world.clock.sleeps[:1]
    assert 37 <= slept < 39


def test_retry_after_as_a_date_is_waited_for(world: World) -> None:
    moment = datetime.fromtimestamp(world.clock.now() + 30, tz=UTC)
    world.api.fail(status=429, headers={"Retry-After": format_datetime(moment, usegmt=True)})
    assert len(world.read(STREAM)) == COUNT
    assert 30 <= world.clock.sleeps[0] < 32


def test_retry_after_in_the_body_is_waited_for(world: World) -> None:
    world.api.fail(status=429, body={"retry_after": 21})
    assert len(world.read(STREAM)) == COUNT
    assert 21 <= world.clock.sleeps[0] < 23


def test_a_used_up_quota_is_not_waited_for(world: World) -> None:
    world.api.fail(status=429, headers={"Retry-After": "3600"}, times=99)
    with pytest.raises(RateLimitedError, match="3600 seconds"):
        world.read(STREAM)
    assert world.clock.sleeps == []
    assert len(world.api.lists) == 1


def test_a_rate_limit_is_retried_three_times(world: World) -> None:
    world.api.fail(status=429, headers={"Retry-After": "1"}, times=99)
    with pytest.raises(RateLimitedError, match="rate limit"):
        world.read(STREAM)
    assert len(world.api.lists) == 4


def test_requests_are_spread_out_where_they_were_refused(world: World) -> None:
    """Ten requests a second are allowed, and nothing but a refusal says so."""
    moments: list[float] = []
    refused = 0

    class Sparing(MockApi):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal refused
            if self.is_token(request):
                return await super().handle_async_request(request)
            world.clock.time += 0.01
            moments.append(world.clock.time)
            if sum(int(moment) == int(moments[-1]) for moment in moments[-20:]) <= 10:
                return httpx.Response(200, json=[])
            refused += 1
            return httpx.Response(429, headers={"Retry-After": "1"})

    world.api = Sparing()

    async def send() -> None:
        async with ApiClient(Config.model_validate(config_json()), **world.options) as client:
            for _ in range(200):
                await client.request_json("GET", "/")

    asyncio.run(send())
    assert refused < 10


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_passing_failure_is_retried_ever_more_slowly(world: World, status: int) -> None:
    world.api.fail(status=status, times=3)
    assert len(world.read(STREAM)) == COUNT
    first, second, third = world.clock.sleeps[:3]
    assert 0.5 <= first <= 2 < third <= 8
    assert second > 0


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_a_lost_connection_is_retried(world: World, error: type[httpx.TransportError]) -> None:
    world.api.fail(error=error, times=2)
    assert len(world.read(STREAM)) == COUNT
    assert len(world.clock.sleeps) >= 2


def test_retries_come_to_an_end(world: World) -> None:
    world.api.fail(status=502, times=99)
    with pytest.raises(TransientError, match="502"):
        world.read(STREAM)
    assert len(world.api.lists) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_a_refusal_is_not_retried(world: World, status: int) -> None:
    world.api.fail(status=status, times=99)
    with pytest.raises(ConnectorError, match=str(status)) as refused:
        world.read(STREAM)
    expected = "config_error" if status in (401, 403) else "system_error"
    assert refused.value.failure_type == expected
    assert world.clock.sleeps == []


@pytest.mark.parametrize(
    ("said", "error"), [("invalid_auth", ConfigError), ("fatal_error", ApiError)]
)
def test_a_failure_with_status_200_is_told(said: str, error: type[ConnectorError]) -> None:
    stream = Stream(name="things", path="/things", record_path=("things",))
    with pytest.raises(error, match=f"no rows at things .* says: {said}"):
        rows_in(stream, {"ok": False, "error": said})


@pytest.mark.parametrize(
    "body", [{"ok": False, "error": "No: s3cret-1"}, {"error": "gone"}, {"ok": False, "error": 7}]
)
def test_what_may_hold_a_secret_is_not_told(body: dict[str, object]) -> None:
    with pytest.raises(ApiError) as failed:
        rows_in(Stream(name="things", path="/things", record_path=("things",)), body)
    assert "says" not in failed.value.message


# <feature auth.any>


@pytest.mark.parametrize("way", range(len(API["auth"])))
def test_no_secret_leaves_in_an_error(world: World, way: int) -> None:
    secrets = [API["auth"][way]["credentials"][name] for name in API["auth"][way]["secrets"]]
    for status in (400, 401, 500):
        world.api = MockApi(way)
        world.api.fail(status=status, times=99, body={"you": [str(secrets), secrets]})
        with pytest.raises(ConnectorError) as failed:
            world.read(STREAM, auth=way)
        shown = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
        assert not [secret for secret in secrets if secret in shown]


def test_no_secret_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for way, of in enumerate(API["auth"]):
        world.api = MockApi(way)
        world.read(STREAM, auth=way)
        values = [of["credentials"][name] for name in of["secrets"]]
        forms = [
            form for value in values for form in (value, str(httpx.QueryParams({"": value}))[1:])
        ]
        assert not [form for form in forms if form in caplog.text]


# </feature>
# <feature rate.bucket|rate.headers>


async def _moments(world: World, count: int, headers: dict[str, str] | None = None) -> list[float]:
    """Send requests; return when each was sent."""
    sent = []
    async with ApiClient(Config.model_validate(config_json()), **world.options) as client:
        for _ in range(count):
            world.api.fail(status=200, body=[], headers=headers or {})
            await client.request_json("GET", "/")
            sent.append(world.clock.now())
    return sent


# </feature>
# <feature rate.bucket>


def test_the_known_limit_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = API["rate_limit"]
    assert limit["requests"] == constants.RATE_LIMIT_REQUESTS
    assert limit["seconds"] == constants.RATE_LIMIT_SECONDS
    monkeypatch.setattr(constants, "RATE_LIMIT_REQUESTS", 3)
    sent = asyncio.run(_moments(world, 9))
    for first, fourth in zip(sent, sent[3:], strict=False):
        assert fourth - first >= limit["seconds"]
    assert sent[-1] - sent[0] < 3 * limit["seconds"]


# </feature>
# <feature rate.headers>


def test_an_answer_that_says_the_limit_is_reached_is_heeded(world: World) -> None:
    limits = API["limit_headers"]
    for now in (0, world.clock.now()):
        world.clock.time = API["now"]
        world.clock.sleeps.clear()
        headers = {limits["remaining"]: "0", limits["reset"]: str(now + 11)}
        world.api.fail(status=429, headers=headers)
        assert len(world.read(STREAM)) == COUNT
        assert 11 <= world.clock.sleeps[0] < 13
        start = world.clock.now()
        headers[limits["reset"]] = str((start if now else 0) + 11)
        _, second = asyncio.run(_moments(world, 2, headers))
        assert second - start == pytest.approx(11)


# </feature>
# <feature auth.exchanged>

EXCHANGED = [
    way
    for way, of in enumerate(API["auth"])
    if any(check.get("token_url") for check in of["checks"])
]


@pytest.mark.parametrize("way", EXCHANGED)
def test_a_token_is_fetched_once(world: World, way: int) -> None:
    world.api = MockApi(way)
    world.read(STREAM, auth=way)
    assert world.api.tokens == 1


@pytest.mark.parametrize("way", EXCHANGED)
def test_a_token_that_is_refused_is_renewed_once(world: World, way: int) -> None:
    world.api = MockApi(way)
    world.api.fail(status=401)
    assert len(world.read(STREAM, auth=way)) == COUNT
    assert world.api.tokens == 2
    world.api = MockApi(way)
    world.api.fail(status=401, times=99)
    with pytest.raises(ConnectorError, match="401"):
        world.read(STREAM, auth=way)
    assert world.api.tokens == 2


# </feature>
# <feature auth.expires>

EXPIRING = [
    way
    for way in EXCHANGED
    if not any(check["in"] == "session" for check in API["auth"][way]["checks"])
]


@pytest.mark.parametrize("way", EXPIRING)
def test_a_token_is_renewed_before_it_expires(world: World, way: int) -> None:
    world.api = MockApi(way)
    world.api.token_lifetime = 100
    world.api.fail(status=429, headers={"Retry-After": "55"}, times=1)
    world.api.fail(status=429, headers={"Retry-After": "55"}, times=1)
    assert len(world.read(STREAM, auth=way)) == COUNT
    assert world.api.tokens >= 2


# </feature>
# <feature auth.refresh_token>


def test_a_rotated_refresh_token_is_handed_to_the_platform(world: World) -> None:
    ways = [way for way in EXCHANGED if "refresh_token" in API["auth"][way]["credentials"]]
    world.api = MockApi(ways[0])
    world.api.rotate = True
    world.api.fail(status=401)
    code, messages = world.run("read", config=config_json(ways[0]))
    assert code == 0
    kept = of_type(messages, "CONTROL")
    assert [one["connectorConfig"]["config"]["credentials"]["refresh_token"] for one in kept] == [
        "rotated-token-1",
        "rotated-token-2",
    ]


# </feature>
