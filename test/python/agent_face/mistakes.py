"""Mistakes of the agent face: each must be found by the check that it is planted for."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """One planted mistake: `find` becomes `replace` in a file of the connector."""

    check: str
    #: Below the connector's folder.
    file: str
    find: str
    replace: str
    #: How often `find` is replaced; -1 everywhere.
    times: int = 1


OPERATIONS = "src/operations.py"
CALLS = "src/calls.py"
TABLES = "src/tables.py"
CLIENT = "src/client.py"
AGENT = "src/agent.py"

MISTAKES = [
    Mistake(
        "agent.one-operation-per-task", OPERATIONS, '"/events"', "params.model_fields_set.pop()"
    ),
    Mistake(
        "agent.one-operation-per-task",
        OPERATIONS,
        "    archived: bool | None = Field(\n",
        '    endpoint: str = Field("", description="What to call.")\n    archived: bool | None = Field(\n',
    ),
    Mistake("agent.unknown-parameters-are-refused", OPERATIONS, 'extra="forbid"', 'extra="allow"'),
    Mistake("agent.unknown-parameters-are-refused", OPERATIONS, 'extra="forbid"', 'extra="ignore"'),
    Mistake(
        "agent.own-parameter-model",
        OPERATIONS,
        "params: ListEventsParams",
        "params: SearchTasksParams",
    ),
    Mistake(
        "agent.own-parameter-model",
        OPERATIONS,
        "class ReadNotesParams(BaseModel):\n",
        'class SpareParams(BaseModel):\n    """Parameters of nothing."""\n\n\nclass ReadNotesParams(BaseModel):\n',
    ),
    Mistake("agent.parameters-are-described", OPERATIONS, "The archived to look at.", "Archived"),
    Mistake(
        "agent.parameters-are-described", OPERATIONS, "archived: bool | None", "archived: object"
    ),
    Mistake("agent.numbers-are-bounded", OPERATIONS, "        le=5,\n", ""),
    Mistake("agent.text-is-marked", OPERATIONS, 'result_type="text", ', ""),
    Mistake(
        "agent.text-is-marked", AGENT, "-> result.data is text (not a DataFrame).", "Returns words."
    ),
    Mistake(
        "agent.wide-record-is-summarised", TABLES, "WIDE_ROW_COLUMNS = 30", "WIDE_ROW_COLUMNS = 300"
    ),
    Mistake(
        "agent.wide-record-is-summarised",
        TABLES,
        "    summary[_free_name(SUMMARY_REST, summary)] = json.dumps(rest, ensure_ascii=False)\n",
        "",
    ),
    Mistake("agent.headers-are-flat", TABLES, "if isinstance(column, tuple):", "if False:"),
    Mistake(
        "agent.headers-are-flat",
        TABLES,
        "if _index_says_something(clean.index, pandas):",
        "if False:",
    ),
    Mistake(
        "agent.column-names-are-unique",
        TABLES,
        "clean.columns = unique_names([_column_name(column) for column in clean.columns])",
        "clean.columns = [_column_name(column) for column in clean.columns]",
    ),
    Mistake(
        "agent.column-names-are-unique",
        TABLES,
        "            row[_free_name(name, row)] =",
        "            row[name] =",
    ),
    Mistake(
        "agent.columns-have-one-type", TABLES, "    if len(kinds) <= 1:", "    if len(kinds) <= 9:"
    ),
    Mistake(
        "agent.nested-cells-are-json",
        TABLES,
        "cell = json.dumps(_plain_tree(value), ensure_ascii=False)",
        "cell = str(value)",
    ),
    Mistake(
        "agent.times-are-iso-text",
        TABLES,
        "cell = value.isoformat()",
        'cell = value.strftime("%d.%m.%Y")',
    ),
    Mistake(
        "agent.burst-is-retried", CLIENT, "MAX_RATE_LIMIT_RETRIES = 3", "MAX_RATE_LIMIT_RETRIES = 0"
    ),
    Mistake(
        "agent.burst-is-retried",
        CLIENT,
        "            delay = asked + random",
        "            delay = random",
    ),
    Mistake(
        "agent.three-retries-at-most",
        CLIENT,
        "MAX_RATE_LIMIT_RETRIES = 3",
        "MAX_RATE_LIMIT_RETRIES = 4",
    ),
    Mistake("agent.three-retries-at-most", CLIENT, "2.0**state.attempt_number * share", "1.0"),
    Mistake(
        "agent.quota-fails-at-once",
        CLIENT,
        "error.retry_after > LONGEST_WAIT:\n        return True",
        "False:\n        return True",
    ),
    Mistake("agent.quota-fails-at-once", "src/limits.py", "LONGEST_WAIT = 60.0", "LONGEST_WAIT = 6000.0"),
    Mistake(
        "agent.quota-fails-at-once",
        CALLS,
        '" Quota exhausted: calling again now is of no use, use another source or wait."',
        '""',
    ),
    Mistake("agent.fixed-values-are-sent", OPERATIONS, '            "view": "plain",\n', ""),
    Mistake(
        "agent.quoted-values-arrive-whole", CALLS, "return mark + str(value)", "return str(value)"
    ),
    Mistake("agent.quoted-values-arrive-whole", CALLS, ".replace(mark, mark * 2)", ""),
    Mistake(
        "agent.a-table-without-cells-is-empty",
        CALLS,
        "if self.path and is_empty_table(holder, key):",
        "if not self.path:",
    ),
    Mistake(
        "agent.a-table-without-cells-is-empty",
        "src/matrix.py",
        'not {key, "error", "errors"} & set(holder)',
        "key not in holder",
    ),
    Mistake("agent.named-wait-is-kept", CLIENT, 'body["retry_after"]', 'body["retry_later"]'),
    Mistake("agent.one-http-helper", OPERATIONS, "from pydantic", "import requests\nfrom pydantic"),
    Mistake(
        "agent.one-http-helper",
        OPERATIONS,
        "    request = Request(",
        "    import httpx\n    httpx.get('https://api.test')\n    request = Request(",
    ),
    Mistake("agent.columns-are-returned", OPERATIONS, '"owner.name"', '"owner_name"'),
    Mistake(
        "agent.missing-columns-are-reported",
        AGENT,
        'properties["missing_columns"] = missing',
        "pass",
    ),
    Mistake(
        "agent.detail-has-its-own-columns",
        OPERATIONS,
        "        GET_PROJECT_OUTPUT,",
        "        LIST_PROJECTS_OUTPUT,",
    ),
    Mistake(
        "agent.detail-has-its-own-columns",
        OPERATIONS,
        "GET_PROJECT_OUTPUT,",
        "LIST_PROJECTS_OUTPUT,",
        -1,
    ),
    Mistake(
        "agent.null-objects-are-kept-apart",
        TABLES,
        "        name: uniform_cells([row.get(name) for row in rows]) for name in names if name not in hollow",
        "        name: uniform_cells([row.get(name) for row in rows]) for name in names",
    ),
    Mistake("agent.one-config-per-resource", OPERATIONS, "output=LIST_EVENTS_OUTPUT, ", ""),
    Mistake(
        "agent.one-config-per-resource",
        OPERATIONS,
        "output=SEARCH_TASKS_OUTPUT",
        "output=LIST_PROJECTS_OUTPUT",
    ),
    Mistake(
        "agent.next-operation-is-named", OPERATIONS, "get_project(project_id=<id>)", "the details"
    ),
    Mistake(
        "agent.next-operation-is-named",
        OPERATIONS,
        "get_project(project_id=<id>)",
        "get_project(number=<id>)",
    ),
    Mistake(
        "agent.source-of-identifiers-is-named", OPERATIONS, "id of list_projects", "a list", -1
    ),
    Mistake(
        "agent.lookups-name-their-filters", OPERATIONS, "search_tasks(project=<id>)", "a search"
    ),
    Mistake(
        "agent.every-operation-is-reachable",
        OPERATIONS,
        "get_project(project_id=<id>)",
        "the details",
    ),
    Mistake("agent.every-operation-is-reachable", OPERATIONS, '"search"]', '"find"]'),
    Mistake(
        "agent.one-kind-of-rows-per-table",
        "tests/fixtures/operations.json",
        '"name": "name 2"',
        '"cells": 2, "rows": 3, "caption": 4, "kind": 5',
    ),
    Mistake(
        "agent.no-batch-in-a-loop",
        OPERATIONS,
        "    request = Request(",
        "    for one in params.label or []:\n"
        '        await fetch_table(client, Request("GET", "/projects", params={"label": one}), params,\n'
        '            LIST_PROJECTS_OUTPUT, rows_at=RowsAt(("data",)), limit=1)\n'
        "    request = Request(",
    ),
    Mistake(
        "agent.provenance-without-secrets", CALLS, "return client.redact(value)", "return value"
    ),
    Mistake("agent.provenance-without-secrets", AGENT, "datetime.now(UTC)", "datetime.now()"),
    Mistake(
        "agent.provenance-without-secrets",
        CALLS,
        'model_dump(mode="json", exclude_none=True)',
        'model_dump(mode="json", exclude={"limit"})',
    ),
    Mistake(
        "agent.provenance-without-secrets",
        AGENT,
        "bound: Mapping[str, Any] = field(default_factory=dict, repr=False)",
        "bound: Mapping[str, Any] = field(default_factory=dict)",
    ),
    Mistake("agent.row-count-equals-data", CALLS, "return rows[:most], ", "return rows, "),
    Mistake(
        "agent.facts-in-properties",
        CALLS,
        'return rows[:most], {"pages": pages, "complete": complete}',
        "return rows[:most], {}",
    ),
    Mistake(
        "agent.missing-permission-is-clear",
        CLIENT,
        "The credentials are valid but do not allow this: a permission, scope or plan ",
        "Failed ",
    ),
    Mistake(
        "agent.missing-permission-is-clear",
        CLIENT,
        'raise ConfigError(\n                "The credentials are valid',
        'raise TransientError(\n                "The credentials are valid',
    ),
    Mistake("agent.empty-search-names-parameters", OPERATIONS, "        is_search=True,\n", ""),
    Mistake(
        "agent.empty-search-names-parameters",
        CALLS,
        "Nothing found with {_listed(shown)}.",
        "Nothing found.",
    ),
    Mistake(
        "agent.chain-can-be-followed",
        OPERATIONS,
        '"project_id": params.project_id',
        '"project_id": params.project_id.upper()',
    ),
    Mistake("agent.recovers-after-nothing", CALLS, "_has_filters(params)", "False"),
    Mistake(
        "agent.throttled-in-the-middle",
        CLIENT,
        "MAX_RATE_LIMIT_RETRIES = 3",
        "MAX_RATE_LIMIT_RETRIES = 0",
    ),
    Mistake("agent.sets-are-exported", OPERATIONS, "        list_events,\n", ""),
    Mistake(
        "agent.sets-are-exported",
        OPERATIONS,
        "FETCH_CONNECTORS = CONNECTORS",
        "FETCH_CONNECTORS = Connectors()",
    ),
    Mistake(
        "agent.credentials-by-binding",
        OPERATIONS,
        "from pydantic",
        "import os\nKEY = os.environ.get('KEY')\nfrom pydantic",
    ),
    Mistake(
        "agent.credentials-by-binding",
        OPERATIONS,
        "    archived: bool | None = Field(\n",
        '    api_key: str = Field("", description="The key of the API.")\n    archived: bool | None = Field(\n',
    ),
    Mistake(
        "agent.modules-are-short",
        OPERATIONS,
        "FETCH_CONNECTORS =",
        "\n" * 300 + "FETCH_CONNECTORS =",
    ),
    Mistake(
        "agent.row-count-equals-data",
        AGENT,
        "return 1 if isinstance(self.data, str) else len(self.data)",
        "return 7",
    ),
    Mistake("package.data-face-without-pandas", "src/records.py", '"""\n', '"""\nimport pandas\n'),
]

#: In the connector around an SDK.
SDK_MISTAKES = [
    Mistake(
        "agent.sync-sdk-in-threads",
        OPERATIONS,
        "await asyncio.to_thread(lambda: client.report(params.name).to_context())",
        "client.report(params.name).to_context()",
    ),
    Mistake(
        "agent.sync-sdk-in-threads",
        OPERATIONS,
        "    rows = await asyncio.to_thread(_codes, key)",
        "    import time\n    time.sleep(0.4)\n    rows = await asyncio.to_thread(_codes, key)",
    ),
    Mistake(
        "agent.one-thread-per-operation",
        OPERATIONS,
        "    text = await asyncio.to_thread(lambda: client.report(params.name).to_context())",
        "    report = await asyncio.to_thread(client.report, params.name)\n    text = await asyncio.to_thread(report.to_context)",
    ),
    Mistake(
        "agent.broken-sdk-is-stubbed",
        OPERATIONS,
        'sys.modules.setdefault("vendor_sdk.broken", types.ModuleType("vendor_sdk.broken"))\n',
        "",
    ),
    Mistake(
        "agent.broken-sdk-is-stubbed",
        OPERATIONS,
        "import vendor_sdk.broken  # noqa: E402\n",
        "try:\n    import vendor_sdk.broken\nexcept ImportError:\n    pass\n",
    ),
    Mistake("agent.sdk-text-for-models", OPERATIONS, ".to_context()", ".name"),
    Mistake(
        "agent.low-level-as-fallback",
        OPERATIONS,
        '    if hasattr(client, "codes"):\n        return client.codes.all()\n',
        "",
    ),
    Mistake(
        "agent.low-level-as-fallback",
        OPERATIONS,
        "    return CodesApi(client.api_client).all()\n",
        "",
    ),
]
