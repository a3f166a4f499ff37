"""Checks of full reads: every row, every page, once each, as declared."""

from collections import Counter
from collections.abc import Iterator

from .api import MOST_REQUESTS
from .comparing import differences, keys_of, named, succeeded
from .description import Description, Stream, description_of
from .exchange import Fault
from .json_schema import declared, faults, present
from .model import Check, NotApplicable, Problem, Subject
from .paths import value_at
from .rows import LARGEST_PAGE, MARK, ROWS, grow, records_of
from .running import Run, World

_FIXTURE_MARK = "x_not_described"
"""The field of the fixtures that stands for those which no description knows."""


def streams_for(description: Description, wanted: list[Stream], why: str) -> list[Stream]:
    """Return the streams that a check looks at. Raises `NotApplicable` where there are none."""
    if not description.streams or not wanted:
        raise NotApplicable(why)
    return wanted


def _every_row_once(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    # Once with a last page that is not full, once with a full one.
    for count in (ROWS, ROWS + 1):
        for name in description.streams:
            world = World(subject, rows=grow(description, count))
            run = world.read(name)
            yield from succeeded(f"{name}: the read of {count} rows", run)
            yield from differences(name, run.records(name), records_of(world.api.rows[name]))


def _everything_in_one_read(subject: Subject) -> Iterator[Problem]:
    world = World(subject)
    run = world.run("read")
    yield from succeeded("A read of all streams", run)
    for name in world.description.streams:
        yield from differences(name, run.records(name), records_of(world.api.rows[name]))


def _every_page_once(subject: Subject) -> Iterator[Problem]:
    for name, stream in description_of(subject).streams.items():
        world = World(subject)
        run = world.read(name)
        yield from succeeded(f"{name}: the read", run)
        asked = Counter(
            (one.stream, one.collection, one.start, str(one.window))
            for one in world.api.served
            if one.start is not None and one.rows
        )
        for (of, number, start, _), times in asked.items():
            if times > 1:
                yield Problem(
                    f"{name}: the page of {of} (list {number + 1}) at row {start} was asked for {times} times."
                )
        if stream.incremental is not None and stream.incremental.end_param is not None:
            continue
        for number, collection in enumerate(world.api.rows[name]):
            size = min(world.api.page_size, stream.paging.page_size or world.api.page_size)
            starts = {one.start for one in world.api.lists_of(name) if one.collection == number}
            whole = range(0, len(collection.rows), size) if stream.is_paged else range(1)
            missing = [start for start in whole if start not in starts]
            if collection.rows and missing:
                yield Problem(
                    f"{name}: the pages of list {number + 1} at rows {missing} were never asked for."
                )


def _keys(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    keyed = [stream for stream in description.streams.values() if stream.primary_key]
    for stream in streams_for(description, keyed, "No stream has a known primary key."):
        records = World(subject).read(stream.name).records(stream.name)
        nulls = [
            record
            for record in records
            if any(value_at(record, path) in (None, "") for path in stream.primary_key)
        ]
        if nulls:
            yield Problem(f"{stream.name}: the primary key of {len(nulls)} records is null.")
        twice = [key for key, times in Counter(keys_of(stream, records)).items() if times > 1]
        if twice:
            yield Problem(
                f"{stream.name}: {len(twice)} primary keys come more than once, such as {twice[0]}."
            )


def _catalog_keys(subject: Subject) -> Iterator[Problem]:
    """Look at the keys as the connector itself declares them."""
    run = World(subject).run("discover")
    entries = run.of("CATALOG")[0].get("streams", []) if run.of("CATALOG") else []
    for entry in entries:
        name, paths = entry.get("name"), entry.get("source_defined_primary_key") or []
        if not paths or name not in description_of(subject).streams:
            continue
        records = World(subject).read(name).records(name)
        keys = [str([value_at(record, path) for path in paths]) for record in records]
        if len(set(keys)) < len(keys):
            yield Problem(
                f"{name}: {len(keys)} records have {len(set(keys))} different keys {paths}."
            )


def _schemas(subject: Subject) -> Iterator[Problem]:
    run = World(subject).run("discover")
    entries = run.of("CATALOG")[0].get("streams", []) if run.of("CATALOG") else []
    for entry in entries:
        name = entry.get("name")
        stream = description_of(subject).streams.get(name)
        if stream is None:
            continue
        schema = entry.get("json_schema") or {}
        world = World(subject)
        records = world.read(name).records(name)
        served = [row for each in stream.fixture for row in each["rows"]]
        broken: Counter[tuple[tuple[str, ...], str]] = Counter()
        for record in records:
            # What this server adds or changes is its own, not the API's.
            broken.update(set(faults({k: v for k, v in record.items() if k != MARK}, schema)))
        # Keys are changed so that rows differ, but never in their type.
        invented = {path[:1] for path in stream.primary_key}
        # What the connector adds of the row above is its own doing, be it wrong in one record only.
        added = {(column,) for each in stream.fixture for column in each["columns"]}
        for (place, fault), times in broken.items():
            where = ".".join(place)
            # A field that is left out, or one odd example among many, is this server's own doing.
            odd = fault == "is missing" or (times * 2 <= len(records) and len(served) > 1)
            note = odd or (place[:1] in invented and ", not " not in fault)
            yield Problem(
                f"{name}: {where} {fault} in {times} of {len(records)} records.",
                file=f"src/schemas/{name}.json",
                note=note and place[:1] not in added,
            )
        seen = {place for record in records for place in present(record)}
        told = set(declared(schema))
        undeclared = {place[0] for place in seen if (place[0],) not in told} - {MARK, _FIXTURE_MARK}
        if undeclared and schema.get("properties"):
            yield Problem(
                f"{name}: fields that the schema does not declare: {named(undeclared)}.", note=True
            )
        never = {".".join(place) for place in told if len(place) == 1 and place not in seen}
        if never and records:
            yield Problem(
                f"{name}: declared fields that no record holds: {named(never)}.", note=True
            )


def _unknown_fields(subject: Subject) -> Iterator[Problem]:
    for name in description_of(subject).streams:
        world = World(subject)
        marked = [record for record in records_of(world.api.rows[name]) if MARK in record]
        records = world.read(name).records(name)
        if marked and not any(MARK in record for record in records):
            yield Problem(f"{name}: a field that the description does not know is dropped.")


def _blank_rows(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [
        stream
        for stream in description.roots
        if stream.shape in ("list", "table") and stream.paging.last_record_field is None
    ]
    for stream in streams_for(description, fit, "No list can hold a blank row."):
        world = World(subject)
        rows = world.api.rows[stream.name][0].rows
        # A whole page of them, and one in the middle of a later page.
        start = 0 if stream.shape == "list" else 1
        rows[start:start] = [None] * LARGEST_PAGE
        rows.insert(LARGEST_PAGE + start + 1, None)
        for number, row in enumerate(rows, 2):
            if stream.shape == "table" and row is not None:
                row["_row"] = number
        expected = records_of(world.api.rows[stream.name])
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read with blank rows", run)
        yield from differences(f"{stream.name} with blank rows", run.records(stream.name), expected)


def _empty_pages(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [
        stream
        for stream in description.roots
        if stream.shape in ("list", "map") and _names_what_follows(stream)
    ]
    for stream in streams_for(description, fit, "No page says that another one follows."):
        world = World(subject)
        rows = world.api.rows[stream.name][0].rows
        size = min(world.api.page_size, stream.paging.page_size or world.api.page_size)
        if len(rows) <= 2 * size:
            continue
        hidden = {id(row) for row in rows[size : 2 * size]}
        world.api.hides = lambda row, hidden=hidden: id(row) in hidden
        expected = records_of(world.api.rows[stream.name])
        del expected[size : 2 * size]
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read with an empty page", run)
        yield from differences(
            f"{stream.name}, whose second of several pages is empty",
            run.records(stream.name),
            expected,
        )


def _names_what_follows(stream: Stream) -> bool:
    paging = stream.paging
    if paging.kind == "page":
        return bool(paging.has_more_path or paging.total_pages_path)
    names = paging.kind in ("cursor", "next_url", "link")
    return names and paging.last_record_field is None


def _one_row(subject: Subject) -> Iterator[Problem]:
    for stream in description_of(subject).roots:
        world = World(subject)
        del world.api.rows[stream.name][0].rows[1:]
        expected = records_of(world.api.rows[stream.name])
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read of a single row", run)
        yield from differences(
            f"{stream.name} with a single row", run.records(stream.name), expected
        )


def _empty(subject: Subject) -> Iterator[Problem]:
    for stream in description_of(subject).roots:
        world = World(subject)
        world.api.rows[stream.name][0].rows.clear()
        run = world.read(stream.name)
        yield from succeeded(f"{stream.name}: the read of an empty list", run)
        if run.records(stream.name):
            yield Problem(
                f"{stream.name}: an empty list gave {len(run.records(stream.name))} records."
            )


def _error_bodies(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [
        stream
        for stream in description.roots
        if stream.shape == "list" or [key for key in stream.record_path if key != "*"]
    ]
    body = {"ok": False, "error": {"code": 7, "message": "made up"}}
    for stream in streams_for(description, fit, "Every body is a valid answer of this API."):
        last = 1 if stream.is_paged else 0
        for page in range(last + 1):
            world = World(subject)
            world.api.faults = [Fault(status=200, body=body, page=page, times=999)]
            run = world.read(stream.name)
            yield from failed(
                f"{stream.name}: an error with status 200 on page {page + 1}", run, stream.name
            )


def failed(what: str, run: Run, stream: str) -> Iterator[Problem]:
    """Yield a problem where a read passed for a success, or ended without saying which stream failed."""
    if run.code == 0:
        yield Problem(f"{what} passed for a success with {len(run.records(stream))} records.")
        return
    if not run.errors:
        yield Problem(f"{what}: no TRACE says why the read failed.")
    if run.statuses(stream)[-1:] != ["INCOMPLETE"]:
        yield Problem(
            f"{what}: the stream's last status is {run.statuses(stream)[-1:]}, not INCOMPLETE."
        )


def _circles(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [
        stream
        for stream in description.roots
        if stream.paging.kind in ("cursor", "next_url", "link")
        and stream.paging.last_record_field is None
    ]
    for stream in streams_for(description, fit, "No page names the next one."):
        world = World(subject)
        world.api.leads_in_circles = True
        run = world.read(stream.name)
        what = f"{stream.name}: a next page that was read before"
        yield from failed(what, run, stream.name)
        if len(world.api.served) >= MOST_REQUESTS:
            yield Problem(f"{what} is asked for again and again.")
        most = len(world.api.rows[stream.name][0].rows)
        if len(run.records(stream.name)) > most:
            yield Problem(f"{what}: {len(run.records(stream.name))} records came of {most} rows.")


def _ignored_pages(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [stream for stream in description.roots if stream.paging.kind in ("page", "offset")]
    for stream in streams_for(description, fit, "No page has a number."):
        world = World(subject)
        world.api.ignores_page = True
        run = world.read(stream.name)
        what = f"{stream.name}: a server that always sends the first page"
        if (
            len(world.api.served) >= MOST_REQUESTS
            or len(run.records(stream.name)) > 2 * LARGEST_PAGE
        ):
            yield Problem(f"{what} is asked without end.")
        shown = [repr(record) for record in run.records(stream.name)]
        if stream.primary_key and len(set(shown)) < len(shown):
            yield Problem(f"{what} has its rows written more than once.")
        if stream.paging.says_more:
            yield from failed(what, run, stream.name)


def _foreign_pages(subject: Subject) -> Iterator[Problem]:
    description = description_of(subject)
    fit = [stream for stream in description.roots if stream.paging.kind in ("next_url", "link")]
    for stream in streams_for(description, fit, "No page names the address of the next one."):
        world = World(subject)
        world.api.next_host = "elsewhere.example"
        run = world.read(stream.name)
        what = f"{stream.name}: a next page on another host"
        if world.transport.strangers:
            yield Problem(f"{what} is asked for, credentials and all.")
        yield from failed(what, run, stream.name)


def _statuses(subject: Subject) -> Iterator[Problem]:
    world = World(subject)
    run = world.run("read")
    for name in world.description.streams:
        expected = ["STARTED", "RUNNING", "COMPLETE"]
        if not records_of(world.api.rows[name]):
            expected.remove("RUNNING")
        if run.statuses(name) != expected:
            yield Problem(f"{name}: the statuses are {run.statuses(name)}, not {expected}.")
        counted = sum(
            float((one.get("sourceStats") or {}).get("recordCount", 0))
            for one in run.of("STATE")
            if one.get("stream", {}).get("stream_descriptor", {}).get("name") == name
        )
        if counted != len(run.records(name)):
            yield Problem(
                f"{name}: the states count {counted:.0f} records, {len(run.records(name))} came."
            )


CHECKS: list[Check] = [
    Check(f"data.{name}", "data", title, run)
    for name, title, run in (
        ("every-row-once", "A full read brings every row exactly once.", _every_row_once),
        (
            "all-streams-in-one-read",
            "All streams read together bring what each brings alone.",
            _everything_in_one_read,
        ),
        ("every-page-once", "Each page is asked for once, and none is left out.", _every_page_once),
        ("keys-are-unique", "Primary keys are unique and never null.", _keys),
        (
            "declared-keys-tell-records-apart",
            "The keys of the catalog tell records apart.",
            _catalog_keys,
        ),
        ("records-match-their-schema", "Records are valid against the declared schema.", _schemas),
        (
            "unknown-fields-are-kept",
            "Fields that the description does not know are kept.",
            _unknown_fields,
        ),
        (
            "an-empty-page-ends-nothing",
            "An empty page that names a next one is not the end.",
            _empty_pages,
        ),
        (
            "blank-rows-end-nothing",
            "Blank rows neither end a read nor become records.",
            _blank_rows,
        ),
        ("a-single-row-is-read", "A list with one row gives one record.", _one_row),
        ("an-empty-list-is-no-error", "An empty list is an empty success.", _empty),
        (
            "an-error-body-is-no-success",
            "An error told with status 200 is an error.",
            _error_bodies,
        ),
        ("circles-are-an-error", "Pages that lead in circles are an error, not a loop.", _circles),
        (
            "an-ignored-page-is-no-loop",
            "A server that ignores the page asked for is no loop.",
            _ignored_pages,
        ),
        (
            "foreign-pages-are-refused",
            "A next page on another host is not asked for.",
            _foreign_pages,
        ),
        ("statuses-and-counts-agree", "Statuses and counts tell what happened.", _statuses),
    )
]
