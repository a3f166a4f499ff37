"""That values which can be turned back into a secret are hidden like the secret itself."""

# <feature auth.any>
import asyncio
import traceback
from typing import Any

import httpx
import pytest

from src.client import ApiClient
from src.config import Config
from src.errors import ConnectorError
from tests.conftest import World, config_json
from tests.mock_api import API, MockApi


def shown_when_refused(world: World, way: int, *, echo: bool) -> tuple[str, httpx.Request]:
    """Send two requests; return what is shown of the second one's failure, and the first as it was sent.

    With `echo` the API says in its refusal what the sender proved itself with.
    """

    async def send() -> tuple[str, httpx.Request]:
        async with ApiClient(Config.model_validate(config_json(way)), **world.options) as client:
            world.api.fail(status=200, body=[])
            await client.request_json("GET", "/")
            sent = world.api.lists[-1]
            body: Any = {"error": "no"}
            if echo:
                body = {"you sent": sent.headers.get("Authorization", "").split(" ")[-1]}
            world.api.fail(status=400, body=body)
            with pytest.raises(ConnectorError) as refused:
                await client.request_json("GET", "/")
            shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
            return shown, sent

    return asyncio.run(send())


@pytest.mark.parametrize("way", range(len(API["auth"])))
def test_what_the_sender_proved_itself_with_is_not_shown(world: World, way: int) -> None:
    world.api = MockApi(way)
    shown, sent = shown_when_refused(world, way, echo=True)
    proof = sent.headers.get("Authorization", "").split(" ")[-1]
    # <feature auth.hmac>
    if any(check["in"] == "hmac" for check in API["auth"][way]["checks"]):
        # A signature is good for its own request only.
        proof = API["auth"][way]["credentials"]["api_secret"]
    # </feature>
    assert "400" in shown
    assert not proof or proof not in shown


@pytest.mark.parametrize("way", range(len(API["auth"])))
def test_messages_name_no_query(world: World, way: int) -> None:
    world.api = MockApi(way)
    shown, sent = shown_when_refused(world, way, echo=False)
    query = sent.url.query.decode()
    assert "400" in shown
    assert not query or query not in shown


# <feature auth.refresh_token>


def test_a_new_refresh_token_is_not_shown(world: World) -> None:
    ways = [
        way for way, option in enumerate(API["auth"]) if "refresh_token" in option["credentials"]
    ]
    world.api = MockApi(ways[0])
    world.api.rotate = True

    async def send() -> str:
        config = Config.model_validate(config_json(ways[0]))
        async with ApiClient(config, **world.options) as client:
            world.api.fail(status=200, body=[])
            await client.request_json("GET", "/")
            world.api.fail(status=400, body={"old": "rotated-token-1"})
            with pytest.raises(ConnectorError, match="400") as refused:
                await client.request_json("GET", "/")
            return str(refused.value)

    assert "rotated-token-1" not in asyncio.run(send())


# </feature>
# </feature>
