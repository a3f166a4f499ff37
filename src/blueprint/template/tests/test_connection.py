"""Whether the connector finds out if it can reach the API."""

import httpx
import pytest

from src.__main__ import main
from src.errors import ConfigError, ConnectorError, TransientError
from tests.conftest import World, config_json, of_type
from tests.mock_api import API, MockApi

WAYS = range(max(1, len(API["auth"])))


@pytest.mark.parametrize("way", WAYS)
def test_good_credentials_are_accepted(world: World, way: int) -> None:
    world.api = MockApi(way)
    world.check(way)
    assert len(world.api.lists) == 1


# <feature auth.any>


@pytest.mark.parametrize("way", WAYS)
def test_wrong_credentials_are_refused_at_once(world: World, way: int) -> None:
    for name in API["auth"][way]["required"]:
        world.api = MockApi(way)
        wrong = {**API["auth"][way]["credentials"], name: "something-else"}
        with pytest.raises(ConfigError):
            world.check(way, credentials=wrong)
        # <feature auth.jwt_bearer|auth.hmac>
        # Nothing can be signed with what is no key at all.
        assert len(world.api.requests) <= 1
        # </feature>
        # <feature !auth.jwt_bearer&!auth.hmac>
        assert len(world.api.requests) == 1
        # </feature>
        assert world.clock.sleeps == []


def test_the_command_answers_wrong_credentials_without_failing(world: World) -> None:
    world.api.fail(status=401, times=99)
    code, messages = world.run("check")
    (status,) = of_type(messages, "CONNECTION_STATUS")
    assert (code, status["status"]) == (0, "FAILED")
    assert "401" in status["message"]


# </feature>


def test_the_command_says_that_all_is_well(world: World) -> None:
    code, messages = world.run("check")
    assert code == 0
    assert of_type(messages, "CONNECTION_STATUS") == [{"status": "SUCCEEDED"}]


def test_the_command_answers_an_unusable_configuration(world: World) -> None:
    code, messages = world.run("check", config={**config_json(), "misspelt": "hidden-value"})
    (status,) = of_type(messages, "CONNECTION_STATUS")
    assert (code, status["status"]) == (0, "FAILED")
    assert "misspelt" in status["message"]
    assert "hidden-value" not in status["message"]


@pytest.mark.parametrize("command", [["check"], ["read"], []])
def test_a_command_without_what_it_needs_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command)
    assert caught.value.code == 2
    assert "required" in capsys.readouterr().err


def test_what_is_offered_is_told_without_a_configuration(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert (main(["spec"]), main(["discover"])) == (0, 0)
    assert capfdbinary.readouterr().out.count(b"\n") == 2


def test_a_missing_permission_is_told_apart(world: World) -> None:
    world.api.fail(status=403, times=99)
    with pytest.raises(ConfigError, match="permission"):
        world.check()


def test_an_api_that_is_down_is_not_the_configurations_fault(world: World) -> None:
    world.api.fail(error=httpx.ConnectError, times=99)
    with pytest.raises(TransientError):
        world.check()
    code, messages = world.run("check")
    assert code == 1
    assert of_type(messages, "TRACE")[-1]["error"]["failure_type"] == "transient_error"


def test_an_unknown_stream_is_named(world: World) -> None:
    with pytest.raises(ConnectorError, match="no_such_stream"):
        world.read("no_such_stream")
