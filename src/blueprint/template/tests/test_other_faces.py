"""That the faces for dlt, Airbyte and MCP cost nothing where they are not used, and what they stand on."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from src.config import Config
from src.connector import Selection
from src.errors import ConfigError, ConnectorError
from src.stepping import Message, Records, parse_config, read_steps
from tests.conftest import World, config_json, in_any_order, of_type
from tests.mock_api import STREAMS, expected_records

OPTIONAL = ["airbyte_cdk", "dlt", "mcp", "mcp_types"]
ROOT = next(name for name, stream in STREAMS.items() if stream["parent"] is None)


def steps(world: World, *streams: str) -> list[Records | Message]:
    """Everything that a read in full yields."""
    selections = [Selection(name) for name in streams]
    config = Config.model_validate(config_json())
    return list(read_steps(config, selections, {}, **world.options))


def test_optional_packages_are_not_imported() -> None:
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({OPTIONAL!r}))\n"
        "import src, src.__main__, src.stepping\n"
        "import src.operations\n"  # <feature operations>
        "print('imported')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (b"imported", b"")


def test_steps_hold_every_record_and_say_how_the_read_ended(world: World) -> None:
    taken = steps(world, *STREAMS)
    for name in STREAMS:
        pages = [step for step in taken if isinstance(step, Records) and step.stream == name]
        found = [dict(record) for page in pages for record in page.records]
        assert in_any_order(found) == in_any_order(world.read(name))
        assert len(found) == len(expected_records(name))
    messages = [step.content for step in taken if isinstance(step, Message)]
    assert {step.kind for step in taken if isinstance(step, Message)} <= {"STATE", "TRACE", "LOG"}
    states = of_type(messages, "STATE")
    assert {state["stream"]["stream_descriptor"]["name"] for state in states} == set(STREAMS)


def test_a_failure_is_one_of_the_steps(world: World) -> None:
    world.api.fail(status=404, times=99, path=world.api.rows[ROOT][0]["path"])
    messages = [step.content for step in steps(world, ROOT) if isinstance(step, Message)]
    errors = [trace for trace in of_type(messages, "TRACE") if trace["type"] == "ERROR"]
    assert errors[0]["error"]["stream_descriptor"] == {"name": ROOT}


def test_leaving_early_ends_the_read(world: World) -> None:
    selections = [Selection(name) for name in STREAMS]
    config = Config.model_validate(config_json())
    reading = read_steps(config, selections, {}, **world.options)
    next(reading)
    reading.close()
    asked = len(world.api.requests)
    assert asyncio.run(_later(world)) == asked


async def _later(world: World) -> int:
    """How many requests there were once everything that was left running had its turn."""
    for _ in range(10):
        await asyncio.sleep(0)
    return len(world.api.requests)


def test_an_unusable_configuration_shows_nothing_of_itself() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({**config_json(), "misspelt": "hidden-value"})
    assert "misspelt" in str(caught.value)
    assert "hidden-value" not in f"{caught.value!r} {caught.value.__context__!r}"
    assert isinstance(caught.value, ConnectorError)
# <feature operations>


def test_the_server_says_what_it_needs(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_json()), encoding="utf-8")
    done = serve(config, "sys.modules['mcp'] = None")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"[mcp]" in done.stderr


def test_a_refusal_to_serve_leaves_standard_output_to_the_client(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("[]", encoding="utf-8")
    done = serve(config)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"configuration" in done.stderr


def serve(config: Path, before: str = "") -> subprocess.CompletedProcess[bytes]:
    """Start the server with a configuration that lets it come no further than its first steps."""
    code = (
        f"import sys\n{before}\nfrom src.__main__ import main\n"
        "sys.exit(main(['mcp', '--config', sys.argv[1]]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(config)],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )


# </feature>
