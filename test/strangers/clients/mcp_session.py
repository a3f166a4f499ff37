"""Talks to a connector's MCP server by the official client over stdio: every tool is listed, those that can be are called.

Takes the path of a JSON file: executable, config (a path), secrets, values of parameters. Prints one line of JSON.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def talk(task: dict[str, Any]) -> dict[str, Any]:
    """Hold one session and return what came of it."""
    server = StdioServerParameters(
        command=task["executable"], args=["mcp", "--config", task["config"]], env=dict(os.environ)
    )
    problems: list[str] = []
    rows = called = refused = 0
    async with (
        stdio_client(server) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        for tool in tools:
            if not tool.description or tool.input_schema.get("type") != "object":
                problems.append(f"{tool.name}: no description or no schema")
            wrong = await session.call_tool(tool.name, {"no_such_parameter": 1})
            refused += wrong.is_error
            if not wrong.is_error:
                problems.append(f"{tool.name}: an unknown parameter was taken")
            needed = tool.input_schema.get("required", [])
            if any(name not in task["values"] for name in needed):
                continue
            answer = await session.call_tool(
                tool.name, {name: task["values"][name] for name in needed}
            )
            called += 1
            text = "".join(part.text for part in answer.content)
            if answer.is_error:
                problems.append(f"{tool.name}: {text[:200]}")
                continue
            if any(secret in text for secret in task["secrets"]):
                problems.append(f"{tool.name}: a secret is shown")
            structured = answer.structured_content
            if structured != json.loads(text) or structured["row_count"] != len(structured["rows"]):
                problems.append(f"{tool.name}: text and structure differ")
            rows += structured["row_count"]
        unknown = await session.call_tool("no_such_tool", {})
        if not unknown.is_error:
            problems.append("a tool that does not exist was called")
    if not called or not rows:
        problems.append("no tool gave any row")
    return {
        "tools": len(tools),
        "called": called,
        "refused": refused,
        "rows": rows,
        "problems": problems,
    }


def main(path: str) -> None:
    """Talk and print."""
    task: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    print("\n" + json.dumps(asyncio.run(talk(task))))


if __name__ == "__main__":
    main(sys.argv[1])
