"""The operations as tools of a Model Context Protocol server on standard input and output.

Only this module needs the package `mcp` (`pip install '.[mcp]'`). Credentials come from the configuration
alone; they are no part of any tool's parameters, results or errors.
"""

from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from pydantic import ValidationError
from pydantic_core import from_json

from . import api
from .agent import Connectors, Result
from .agent_text import schema_of
from .calls import answered
from .client import ApiClient
from .config import Config, describe_errors
from .operations import CONNECTORS
from .utils import dump_json


def build_server(operations: Connectors, config: Config) -> Server[Any]:
    """Return a server whose tools are these operations, with their dependencies bound.

    A parameter that the configuration answers need not be given.
    """

    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(
            tools=[
                Tool(
                    name=operation.name,
                    description=operation.description,
                    input_schema=schema_of(operation.params, answered(operation, config)),
                )
                for operation in operations
            ]
        )

    async def call_tool(_context: Any, params: CallToolRequestParams) -> CallToolResult:
        operation = operations.get(params.name)
        if operation is None:
            return _failed(f"No tool named {params.name}; there are: {', '.join(operations.names)}")
        try:
            given = {**answered(operation, config), **(params.arguments or {})}
            return _answer(await operation(given))
        except ValidationError as error:
            return _failed(f"The parameters are not valid: {describe_errors(error)}")
        except ValueError as error:
            return _failed(str(error))

    return Server(api.NAME, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve(config: Config, **client_options: Any) -> None:
    """Serve until standard input ends. One client, with its limits and tokens, serves all calls."""
    async with ApiClient(config, **client_options) as client:
        # Operations of an open API take a client too: theirs would not know the configuration.
        server = build_server(
            Connectors(
                operation.bind_deps(**dict.fromkeys(operation.dependencies, client))
                for operation in CONNECTORS
            ),
            config,
        )
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())


def _answer(result: Result) -> CallToolResult:
    """Return rows as a JSON object and the same as text; a text as it is."""
    if isinstance(result.data, str):
        return CallToolResult(content=[TextContent(text=result.data)])
    provenance = result.provenance
    content = from_json(
        dump_json(
            {
                "rows": result.rows,
                "row_count": result.row_count,
                "provenance": {
                    "source": provenance.source,
                    "params": dict(provenance.params),
                    "fetched_at": provenance.fetched_at,
                    "properties": dict(provenance.properties),
                },
            }
        )
    )
    text = dump_json(content).decode()
    return CallToolResult(content=[TextContent(text=text)], structured_content=content)


def _failed(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=message)], is_error=True)
