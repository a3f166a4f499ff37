"""Checks of `spec`, `check` and `discover`."""

from collections.abc import Iterator
from typing import Any

from .comparing import differences, succeeded
from .description import description_of, typical
from .exchange import Fault
from .json_schema import declared, faults
from .model import Check, NotApplicable, Problem, Subject
from .rows import records_of
from .running import Run, World

_MOST = 6
"""Streams that are read in each way to authenticate."""

_SECRET_WORDS = ("password", "secret", "api_key", "access_token", "refresh_token", "private_key")


def specification(subject: Subject) -> dict[str, Any]:
    """Return what a configuration must look like; an empty object where `spec` does not say it."""
    run = World(subject).run("spec")
    specs = run.of("SPEC")
    if run.code != 0 or len(specs) != 1:
        return {}
    found = specs[0].get("connectionSpecification")
    return found if isinstance(found, dict) else {}


def _spec_is_valid(subject: Subject) -> Iterator[Problem]:
    schema = specification(subject)
    if not schema:
        yield Problem("spec did not print one SPEC message with a connectionSpecification.")
        return
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        yield Problem("The connectionSpecification is not the schema of an object with properties.")
        return
    description = description_of(subject)
    for way in description.ways:
        for place, fault in faults(description.configuration(way), schema):
            yield Problem(f"A valid configuration breaks it: {'.'.join(place) or 'it'} {fault}.")
    for place, fault in _schema_faults(schema, ()):
        yield Problem(f"{'.'.join(place)}: {fault}.")


def _schema_faults(schema: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where a configuration's schema says less than a form needs."""
    if not isinstance(schema, dict):
        yield place, "is not a schema"
        return
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield (*place, name), "is required but not described"
    for name, below in schema.get("properties", {}).items():
        yield from _schema_faults(below, (*place, name))


def _credential_fields(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each scalar property anywhere in a schema, by name."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            for name, below in properties.items():
                if isinstance(below, dict) and "properties" not in below:
                    yield name, below
        for below in schema.values():
            yield from _credential_fields(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _credential_fields(below)


def _secrets_are_marked(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    secrets = {name for option in description.auth for name in option["secrets"]}
    fields = list(_credential_fields(specification(subject)))
    for name, schema in fields:
        looks = any(word in name for word in _SECRET_WORDS)
        if (name in secrets or looks) and schema.get("airbyte_secret") is not True:
            yield Problem(f"{name} is not marked airbyte_secret in the specification.")
    for name in sorted(secrets - {name for name, _ in fields}):
        yield Problem(f"The secret {name} is not in the specification.")


def _misspelt_is_refused(subject: Subject) -> Iterator[Problem]:
    world = World(subject)
    config = {**world.description.configuration(), "misspelt_property": "value-of-it"}
    run = world.run("check", config=config)
    yield from _is_refused("A configuration with an unknown property", run)
    if "value-of-it" in "\n".join([*run.lines, run.stderr]):
        yield Problem("The value of the unknown property is shown.")
    if world.api.served:
        yield Problem("The API is asked although the configuration is not valid.")


def _is_refused(what: str, run: Run) -> Iterator[Problem]:
    told = run.of("CONNECTION_STATUS")
    if run.code != 0:
        yield Problem(f"{what}: check ended with {run.told()}, not with 0 and FAILED.")
    elif [one.get("status") for one in told] != ["FAILED"]:
        yield Problem(f"{what}: check did not say FAILED.")


def _check_succeeds(subject: Subject) -> Iterator[Problem]:
    for way in description_of(subject).ways:
        world = World(subject, way=way)
        run = world.run("check")
        told = [one.get("status") for one in run.of("CONNECTION_STATUS")]
        if run.code != 0 or told != ["SUCCEEDED"]:
            yield Problem(
                f"Way {way + 1} to authenticate: check did not succeed. {run.told()} {told}"
            )
        if not world.api.served:
            yield Problem(f"Way {way + 1} to authenticate: check did not ask the API at all.")


def _every_way_reads(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    if not description.auth:
        raise NotApplicable("The API asks for no credentials.")
    names = [stream.name for stream in typical(description.roots, _MOST)]
    for way in description.ways:
        world = World(subject, way=way)
        run = world.read(*names)
        yield from succeeded(f"Way {way + 1} to authenticate: the read", run)
        for name in names:
            yield from differences(
                f"Way {way + 1} to authenticate, {name}",
                run.records(name),
                records_of(world.api.rows[name]),
            )


def _wrong_credentials(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    tried = False
    for way, option in enumerate(description.auth):
        for name in option["secrets"]:
            tried = True
            credentials = {**option["credentials"], name: "wrong-but-opaque"}
            world = World(subject, way=way)
            run = world.run("check", config=description.configuration(way, credentials=credentials))
            yield from _is_refused(f"A wrong {name}", run)
    if not tried:
        raise NotApplicable("The API asks for no credentials.")


def _unreachable(subject: Subject) -> Iterator[Problem]:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("Nobody answers", {"loss": "refused"}),
        ("The server fails", {"status": 500}),
    ]
    for what, fault in cases:
        world = World(subject)
        world.api.faults = [Fault(times=999, **fault)]
        run = world.run("check")
        told = [one.get("status") for one in run.of("CONNECTION_STATUS")]
        if "SUCCEEDED" in told or (run.code == 0 and told != ["FAILED"]):
            yield Problem(f"{what}: check said {told or 'nothing'} and ended with {run.code}.")
        elif run.code != 0 and not run.errors and told != ["FAILED"]:
            yield Problem(f"{what}: check ended with {run.code} without a word on why.")


def _discover(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    run = World(subject).run("discover")
    if run.code != 0 or len(run.of("CATALOG")) != 1:
        yield Problem(f"discover did not print one CATALOG. {run.told()}")
        return
    streams = {one.get("name"): one for one in run.of("CATALOG")[0].get("streams", [])}
    if set(streams) != set(description.streams):
        yield Problem(
            f"discover lists {sorted(map(str, streams))}, not {sorted(description.streams)}."
        )
    for name, stream in description.streams.items():
        entry = streams.get(name)
        if entry is None:
            continue
        schema = entry.get("json_schema") or {}
        fields = set(declared(schema))
        opened = not schema.get("properties")
        keys = tuple(tuple(path) for path in entry.get("source_defined_primary_key") or [])
        if keys != stream.primary_key:
            yield Problem(f"{name}: the primary key is {keys}, not {stream.primary_key}.")
        for path in keys:
            if path not in fields and not opened:
                yield Problem(f"{name}: the schema does not declare the key {'.'.join(path)}.")
        modes = entry.get("supported_sync_modes") or []
        if ("incremental" in modes) != (stream.incremental is not None):
            yield Problem(f"{name}: the sync modes are {modes}.")
        if stream.incremental is not None:
            cursor = tuple(entry.get("default_cursor_field") or [])
            if cursor != stream.incremental.cursor_field:
                yield Problem(f"{name}: the cursor field is {cursor}.")
            elif cursor not in fields and not opened:
                yield Problem(f"{name}: the schema does not declare the cursor {'.'.join(cursor)}.")
            if entry.get("source_defined_cursor") is not True:
                yield Problem(f"{name}: source_defined_cursor is not true.")


CHECKS: list[Check] = [
    Check(name, "data", title, run)
    for name, title, run in (
        ("data.spec-is-valid", "The specification fits what a person fills in.", _spec_is_valid),
        (
            "data.secrets-are-marked",
            "Secrets are marked in the specification.",
            _secrets_are_marked,
        ),
        (
            "data.misspelt-settings-are-refused",
            "An unknown property of the configuration is refused, without showing its value.",
            _misspelt_is_refused,
        ),
        ("data.check-succeeds", "With good credentials check succeeds.", _check_succeeds),
        (
            "data.every-way-to-authenticate-reads",
            "With each way to authenticate a read brings every row of every page.",
            _every_way_reads,
        ),
        (
            "data.wrong-credentials-fail",
            "With wrong credentials check says FAILED and ends with 0.",
            _wrong_credentials,
        ),
        (
            "data.an-unreachable-api-fails-the-check",
            "Where the API can't be reached check does not succeed.",
            _unreachable,
        ),
        (
            "data.discover-is-valid",
            "The catalog lists every stream with its schema, key, cursor and sync modes.",
            _discover,
        ),
    )
]
