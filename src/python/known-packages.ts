/**
 * Which packages a connector may ask for. Names can be invented, misspelt, or belong to somebody else on a public index:
 * that is told before anything is fetched, as installed packages run code.
 */
import { SourcewrightError } from '../errors.ts';

/** What generated connectors, their tests and common work with data and web APIs use. */
const DIRECT = `
aiofiles aiohttp airbyte-cdk aiosqlite anyio arrow attrs azure-identity azure-storage-blob backoff beautifulsoup4 boto3 botocore
cachetools cattrs chardet charset-normalizer click cryptography defusedxml dlt duckdb fastavro feedparser freezegun genson
google-api-core google-api-python-client google-auth google-auth-oauthlib google-cloud-bigquery google-cloud-storage graphql-core
grpcio hatchling html5lib httpx hypothesis ijson isodate jinja2 jmespath jsonpath-ng jsonschema loguru lxml markdown mcp
more-itertools msgpack msgspec mypy numpy oauthlib openpyxl orjson packaging pandas pandas-stubs paramiko pendulum pip polars
protobuf psycopg psycopg2-binary pyarrow pydantic pydantic-settings pyjwt pymysql pynacl pyright pytest pytest-asyncio
pytest-cov pytest-httpx pytest-mock pytest-timeout pytest-xdist python-dateutil python-dotenv pytz pyyaml requests
requests-oauthlib respx responses rich ruff setuptools simplejson singer-sdk sqlalchemy structlog tabulate tenacity time-machine
tomli tomlkit tqdm trio typer types-python-dateutil types-pytz types-pyyaml types-requests typing-extensions tzdata ujson urllib3
vcrpy websockets wheel xlsxwriter xmltodict yarl zeep zstandard`;

/** What those bring with them: named in locks, and nothing strange where a connector asks for it itself. */
const BROUGHT = `
aiohappyeyeballs aiosignal annotated-types ast-serialize async-timeout bcrypt certifi cffi colorama coverage et-xmlfile
exceptiongroup execnet flit-core frozenlist greenlet h11 h2 hpack hatch-vcs httpcore hyperframe idna iniconfig jsonschema-specifications
librt markdown-it-py markupsafe mdurl multidict mypy-extensions pathspec pluggy poetry-core propcache pyasn1 pyasn1-modules pycparser
pydantic-core pygments pyparsing referencing rpds-py rsa s3transfer setuptools-scm shellingham six sniffio sortedcontainers soupsieve
trove-classifiers typing-inspection uritemplate`;

const names = (text: string): string[] => text.trim().split(/\s+/);
const KNOWN = new Set([...names(DIRECT), ...names(BROUGHT)]);

/** A package's name as an index compares it. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** The package that a requirement line names. */
export function nameOf(line: string): string {
  return normalName(/^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(line.trim())?.[0] ?? '');
}

/** How many letters have to be changed, added, left out or swapped; more than `most` counts as `most + 1`. */
function distance(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, n) => n)];
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + same,
      );
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, (before[column - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, last] = [last, next];
  }
  return last[other.length] ?? most + 1;
}

/** A name without what imitations like to add or exchange. */
function bare(name: string): string {
  return name
    .replace(/^(python|py3?|lib)-|-(python|py|python3|py3|lib|dev|official|api|client|sdk|utils|v?\d+)$/g, '')
    .replace(/-/g, '')
    .replace(/0/g, 'o')
    .replace(/1/g, 'l');
}

/** The known package that this name is close to; undefined where there is none. */
export function imitated(name: string): string | undefined {
  for (const known of KNOWN) {
    const most = known.length > 6 ? 2 : known.length > 3 ? 1 : 0;
    if (bare(name) === bare(known) || distance(name, known, most) <= most) return known;
  }
  return undefined;
}

const INTERNAL =
  /(^|-)(internal|intranet|private|corp|corporate|company|inhouse|in-house|confidential)(-|$)|^(source|destination)-/;

/** Why a package is not simply installed; undefined where it may be. */
function objection(name: string, allowed: ReadonlySet<string>): string | undefined {
  if (KNOWN.has(name) || allowed.has(name)) return undefined;
  const meant = imitated(name);
  if (meant !== undefined) return `looks like a misspelling or an imitation of "${meant}"`;
  if (INTERNAL.test(name)) {
    return 'looks like a package of one company’s own; on a public index anybody may own that name';
  }
  return 'is none of the packages that connectors are known to use';
}

/** A cause by which callers tell this refusal from other errors. */
export class UnknownPackages extends Error {
  override readonly name = 'UnknownPackages';
}

/**
 * Refuses packages that are not known.
 * @param where file that names them
 * @param allowed names that the person allows beside the known ones
 * @throws SourcewrightError `environment`, with every package that is objected to
 */
export function refuseUnknown(where: string, lines: readonly string[], allowed: readonly string[]): void {
  const permitted = new Set(allowed.map(normalName));
  const said = lines.flatMap((line) => {
    const name = nameOf(line);
    const why = objection(name, permitted);
    return why === undefined ? [] : [`"${name}" ${why}`];
  });
  if (said.length === 0) return;
  const message = `${said.length === 1 ? 'A package is' : 'Packages are'} not installed: ${said.join('; ')}.`;
  throw new SourcewrightError('environment', message, {
    where,
    cure: 'Correct the name or remove it. If it is what you want, add it to the setting "sourcewright.packages.allowed" (in a terminal: the variable SOURCEWRIGHT_ALLOWED_PACKAGES), then resume.',
    cause: new UnknownPackages(message),
  });
}
