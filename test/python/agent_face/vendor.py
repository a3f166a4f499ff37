"""A connector that a person wrote around a vendor's SDK, and the SDK: what the rules about SDKs are tried on."""

from __future__ import annotations

from pathlib import Path

SDK = {
    "vendor_sdk/__init__.py": """
class Report:
    def __init__(self, name):
        self.name = name

    def to_context(self):
        return f"Report {self.name}"


class Client:
    def __init__(self, key):
        self.key = key
        self.api_client = object()

    def report(self, name):
        return Report(name)
""",
    "vendor_sdk/api/__init__.py": "",
    "vendor_sdk/api/codes.py": """
class CodesApi:
    def __init__(self, api_client):
        self.api_client = api_client

    def all(self):
        return [{"code": "a"}]
""",
    "vendor_sdk/broken.py": "def (:\n",
}

OPERATIONS = '''"""Operations over an SDK."""

import asyncio
import sys
import types

from pydantic import BaseModel, ConfigDict, Field

from .agent import Connectors, OutputConfig, Provenance, Result, connector

sys.modules.setdefault("vendor_sdk.broken", types.ModuleType("vendor_sdk.broken"))

import vendor_sdk.broken  # noqa: E402
from vendor_sdk import Client  # noqa: E402
from vendor_sdk.api.codes import CodesApi  # noqa: E402


class ReadReportParams(BaseModel):
    """Parameters of read_report."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(..., description="The name of the report.")


class ListCodesParams(BaseModel):
    """Parameters of list_codes."""

    model_config = ConfigDict(extra="forbid")


@connector(result_type="text", tags=["vendor", "get"])
async def read_report(params: ReadReportParams, *, key: str) -> Result:
    """Read a report."""
    client = Client(key)
    text = await asyncio.to_thread(lambda: client.report(params.name).to_context())
    return Result(text, Provenance(params=params.model_dump()))


def _codes(key):
    client = Client(key)
    if hasattr(client, "codes"):
        return client.codes.all()
    return CodesApi(client.api_client).all()


@connector(output=OutputConfig(), tags=["vendor", "list"])
async def list_codes(params: ListCodesParams, *, key: str) -> Result:
    """List the codes."""
    rows = await asyncio.to_thread(_codes, key)
    return OutputConfig().build_table_result(rows, Provenance(params=params.model_dump()))


CONNECTORS = Connectors([read_report, list_codes])
FETCH_CONNECTORS = CONNECTORS
'''


def write_vendor(connector: Path) -> None:
    """Make a copy of a generated connector one that uses the SDK, which lies beside `src/`."""
    for file, content in SDK.items():
        path = connector / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (connector / "src" / "operations.py").write_text(OPERATIONS, encoding="utf-8")
