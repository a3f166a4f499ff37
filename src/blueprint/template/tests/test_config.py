"""What a configuration may look like, and that it keeps its secrets."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from src.config import Config, describe_errors
from src.connector import Connector
from tests.conftest import config_json
from tests.mock_api import API

WAYS = range(max(1, len(API["auth"])))
SPEC: dict[str, Any] = asyncio.run(Connector.spec())["connectionSpecification"]


@pytest.mark.parametrize("way", WAYS)
def test_a_complete_configuration_is_accepted(way: int) -> None:
    config = Config.model_validate(config_json(way))
    assert config.resolved_base_url() == API["base_url"]
    assert not set(config_json(way)) - set(SPEC["properties"])


def test_a_misspelt_property_is_refused() -> None:
    with pytest.raises(ValidationError, match="no_such_property"):
        Config.model_validate(config_json(no_such_property=1))


def test_the_address_can_be_replaced() -> None:
    config = Config.model_validate(config_json(base_url="http://127.0.0.1:9/api/"))
    assert config.resolved_base_url() == "http://127.0.0.1:9/api"


@pytest.mark.parametrize("url", ["127.0.0.1:9", "ftp://127.0.0.1", "https://"])
def test_an_address_that_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        Config.model_validate(config_json(base_url=url))


def test_every_required_property_is_missed() -> None:
    for name in SPEC.get("required", []):
        config = {key: value for key, value in config_json().items() if key != name}
        with pytest.raises(ValidationError, match=name):
            Config.model_validate(config)


# <feature auth.any>


@pytest.mark.parametrize("way", WAYS)
def test_every_part_of_the_credentials_is_missed(way: int) -> None:
    for name in API["auth"][way]["required"]:
        for broken in ({}, {name: ""}):
            credentials = {**API["auth"][way]["credentials"], **broken}
            if not broken:
                del credentials[name]
            with pytest.raises(ValidationError, match=name):
                Config.model_validate(config_json(credentials=credentials))


@pytest.mark.parametrize("way", WAYS)
def test_secrets_are_never_shown(way: int) -> None:
    credentials = API["auth"][way]["credentials"]
    secrets = [credentials[name] for name in API["auth"][way]["secrets"]]
    config = Config.model_validate(config_json(way))
    with pytest.raises(ValidationError) as refused:
        Config.model_validate(config_json(credentials={**credentials, "extra": 1}))
    for shown in (repr(config), str(config), str(refused.value), describe_errors(refused.value)):
        assert not [secret for secret in secrets if secret in shown]


def test_exactly_the_secrets_are_marked_in_the_spec() -> None:
    credentials = SPEC["properties"]["credentials"]
    kinds = credentials.get("oneOf", [credentials])
    assert len(kinds) == len(API["auth"])
    for kind, way in zip(kinds, API["auth"], strict=True):
        marked = [name for name, of in kind["properties"].items() if of.get("airbyte_secret")]
        assert sorted(marked) == sorted(way["secrets"])
        assert kind["properties"]["auth_type"]["const"] == way["credentials"]["auth_type"]


# </feature>


def test_the_spec_stands_on_its_own() -> None:
    assert "$ref" not in str(SPEC)
    assert SPEC["additionalProperties"] is False
