/** Each of our own checks fires on a planted defect, on its line, and is silent on code that does it right. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { findInterpreter, type Interpreter } from '../../../src/python/interpreter.ts';
import { capture } from '../../../src/python/process-runner.ts';

const SCRIPT = join(import.meta.dirname, '../../../src/python/scripts/check_connector.py');
const Found = z.object({
  findings: z.array(
    z.object({
      rule: z.string(),
      severity: z.string(),
      file: z.string(),
      line: z.number(),
      end: z.number(),
      message: z.string(),
    }),
  ),
});
type Found = z.infer<typeof Found>['findings'];

const EXPORTS = 'CONNECTORS: list[str] = []\nFETCH_CONNECTORS: list[str] = []\n';

/** A planted defect: the rule, the file, its text with `<<<` at the end of the line that is to be found. */
const PLANTED: readonly (readonly [rule: string, file: string, text: string])[] = [
  [
    'one-operation',
    'src/operations.py',
    'class FetchParams(BaseModel):\n    endpoint: str = Field(description="Which one")  # <<<\n',
  ],
  [
    'no-extra',
    'src/operations.py',
    'class FetchParams(BaseModel):\n    model_config = ConfigDict(extra="allow")  # <<<\n',
  ],
  [
    'no-extra',
    'src/config.py',
    'class Config(BaseModel):\n    class Config:\n        extra = "allow"  # <<<\n',
  ],
  ['described-field', 'src/operations.py', 'class FetchParams(BaseModel):\n    name: str  # <<<\n'],
  [
    'described-field',
    'src/operations.py',
    'class FetchParams(BaseModel):\n    name: str = Field(description=" ")  # <<<\n',
  ],
  [
    'typed-field',
    'src/operations.py',
    'class FetchParams(BaseModel):\n    name: Any = Field(description="x")  # <<<\n',
  ],
  [
    'bounded-number',
    'src/operations.py',
    'class FetchParams(BaseModel):\n    limit: int = Field(default=10, ge=1, description="x")  # <<<\n',
  ],
  [
    'secret-str',
    'src/config.py',
    'class Credentials(BaseModel):\n    api_key: str = Field(description="x")  # <<<\n',
  ],
  ['secret-str', 'src/config.py', '@dataclass\nclass Keys:\n    refresh_token: str | None = None  # <<<\n'],
  [
    'secret-shown',
    'src/auth.py',
    'def f(key, log):\n    log.info("key %s", key.get_secret_value())  # <<<\n',
  ],
  [
    'secret-shown',
    'src/auth.py',
    'def f(key):\n    raise ValueError(f"bad {key.get_secret_value()}")  # <<<\n',
  ],
  ['no-environment', 'src/auth.py', 'import os\nkey = os.environ["KEY"]  # <<<\n'],
  ['no-environment', 'src/auth.py', 'import os\nkey = os.getenv("KEY")  # <<<\n'],
  ['no-environment', 'src/auth.py', 'from os import environ  # <<<\n'],
  ['no-environment', 'src/auth.py', 'from dotenv import load_dotenv  # <<<\n'],
  [
    'one-http-helper',
    'src/streams.py',
    'import httpx\n\n\ndef f():\n    return httpx.get("https://x.test", timeout=5)  # <<<\n',
  ],
  [
    'one-http-helper',
    'src/operations/tasks.py',
    'import httpx\n\n\ndef f():\n    return httpx.AsyncClient()  # <<<\n',
  ],
  ['one-http-helper', 'src/client.py', 'import requests  # <<<\n'],
  ['one-http-helper', 'src/streams.py', 'from urllib.request import urlopen  # <<<\n'],
  ['time-limit', 'src/client.py', 'import httpx\n\nclient = httpx.AsyncClient(timeout=None)  # <<<\n'],
  [
    'raise-from',
    'src/client.py',
    'def f():\n    try:\n        g()\n    except OSError as exc:\n        raise ValueError("x") from exc  # <<<\n',
  ],
  [
    'raise-from',
    'src/client.py',
    'def f():\n    try:\n        g()\n    except httpx.HTTPError:\n        raise ValueError("x")  # <<<\n',
  ],
  [
    'swallowed-error',
    'src/reader.py',
    'def f():\n    try:\n        g()\n    except Exception:  # <<<\n        return []\n',
  ],
  [
    'swallowed-error',
    'src/reader.py',
    'def f():\n    try:\n        g()\n    except httpx.HTTPError as error:  # <<<\n        log.warning("failed")\n',
  ],
  [
    'swallowed-error',
    'src/reader.py',
    'def f():\n    for x in y:\n        try:\n            g()\n        except:  # <<<\n            continue\n',
  ],
  [
    'opaque-token',
    'src/auth.py',
    'def f(config):\n    return config.access_token.get_secret_value().startswith("xoxb-")  # <<<\n',
  ],
  ['unfinished', 'src/reader.py', 'def f():\n    raise NotImplementedError  # <<<\n'],
  ['unfinished', 'src/reader.py', 'x = 1  # TODO: later <<<\n'],
  ['blanket-noqa', 'src/reader.py', 'import os  # noqa <<<\n'],
  ['blanket-ignore', 'src/reader.py', 'x: int = "a"  # type: ignore <<<\n'],
  ['no-print', 'src/reader.py', 'def f():\n    print("hello")  # <<<\n'],
  ['blocking-call', 'src/client.py', 'import time\n\n\nasync def f():\n    time.sleep(1)  # <<<\n'],
  ['module-size', 'src/reader.py', `x = 1  # <<<\n${'x = 1\n'.repeat(400)}`],
  ['no-pandas', 'src/records.py', 'import pandas as pd  # <<<\n'],
  ['syntax', 'src/reader.py', 'def f(:  # <<<\n'],
  ['syntax', 'tests/test_a.py', 'def f(:  # <<<\n'],
  ['real-sleep', 'tests/test_a.py', 'import time\n\n\ndef test_a():\n    time.sleep(2)  # <<<\n'],
  [
    'mocked-own-code',
    'tests/test_a.py',
    'def test_a(mocker):\n    mocker.patch("src.client.ApiClient.get")  # <<<\n',
  ],
  [
    'mocked-own-code',
    'tests/test_a.py',
    'def test_a():\n    with mock.patch.object(ApiClient, "get"):  # <<<\n        pass\n',
  ],
];

/** The same things done right. */
const CLEAN: Readonly<Record<string, string>> = {
  'src/operations.py': `import typing
from typing import Annotated, Literal


class ListTasksParams(BaseModel):
    """Parameters."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["a", "b"] = Field(description="A closed choice of the API")
    project_id: Annotated[int, Field(description="An identifier needs no bound")]
    limit: int = Field(default=10, ge=1, le=100, description="How many")
    status: str | None = Field(default=None, description="Which")
    page_token: str | None = Field(default=None, description="No secret: a place in the list")
`,
  'src/config.py': `class Credentials(BaseModel):
    api_key: SecretStr = Field(description="x")
    token_url: str = Field(default="https://x.test", description="x")
`,
  'src/client.py': `import asyncio

import httpx


class ApiClient:
    def __init__(self, transport):
        self._http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(60.0))

    async def send(self, request):
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            failure = TransientError(type(error).__name__)
        else:
            return response
        raise failure

    def parse(self, text):
        try:
            return json.loads(text)
        except ValueError:
            raise SystemFailure("not JSON") from None

    async def wait(self):
        await asyncio.sleep(1)
`,
  'src/auth.py': `def apply(request, key):
    request.headers["X-Key"] = key.get_secret_value()
    if key.get_secret_value() == "":
        raise ValueError("The key is empty")
`,
  'src/connector.py': 'from .records import rows\nfrom . import tables\n',
  'src/records.py': 'rows = 1  # noqa: F841 - named\ny: int = "a"  # type: ignore[assignment]\n',
  'src/tables.py': 'def frame():\n    import pandas as pd\n\n    return pd\n',
  'src/operations_tables.py': 'import pandas\n',
  'src/base.py': `from abc import abstractmethod


class Base:
    @abstractmethod
    def f(self):
        raise NotImplementedError


def first(lines):
    for line in lines:
        if line.startswith("data:"):
            return line
    try:
        return int("x")
    except ValueError:
        return None
`,
  'src/__main__.py': 'import sys\n\nprint("to stderr", file=sys.stderr)\n',
  'tests/test_a.py':
    'async def test_a(monkeypatch):\n    await asyncio.sleep(0)\n    monkeypatch.setattr("socket.create_connection", None)\n',
};

describe('checks for connectors', function () {
  this.timeout(20_000);
  let interpreter: Interpreter;
  let dir: string;

  before(async () => {
    interpreter = await findInterpreter();
  });
  beforeEach(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-checks-')));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function check(files: Readonly<Record<string, string>>): Promise<Found> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    const result = await capture({
      file: interpreter.path,
      args: ['-I', SCRIPT, dir],
      cwd: dir,
      env: {},
      timeoutMs: 20_000,
    });
    assert.equal(result.exitCode, 0, result.stderr);
    return Found.parse(JSON.parse(result.stdout)).findings;
  }
  const base = {
    'src/__init__.py': EXPORTS,
    'src/__main__.py': 'from . import connector\n',
    'src/connector.py': 'from .records import rows\n',
  };

  for (const [rule, file, text] of PLANTED) {
    const lines = text.split('\n');
    const line = lines.findIndex((part) => part.includes('<<<')) + 1;
    const shown = (lines[line - 1] ?? '').replace(/\s*#?\s*<<<.*$/, '').trim();
    it(`${rule}: ${shown}`, async () => {
      const found = await check({ ...base, [file]: text.replace(/ ?<<</, '') });
      const own = found.filter((entry) => entry.rule === rule);
      assert.ok(
        own.some((entry) => entry.file === file && entry.line === line),
        JSON.stringify(found, null, 1),
      );
      assert.deepEqual(
        found.filter((entry) => entry.rule !== rule),
        [],
      );
    });
  }

  it('exports: neither name is defined', async () => {
    const found = await check({ ...base, 'src/__init__.py': '' });
    assert.deepEqual(
      found.map((entry) => entry.rule),
      ['exports', 'exports'],
    );
  });

  it('has nothing to say about code that does it right', async () => {
    assert.deepEqual(
      await check({
        ...base,
        ...CLEAN,
        'src/__main__.py': `${base['src/__main__.py']}${CLEAN['src/__main__.py'] ?? ''}`,
      }),
      [],
    );
  });

  it('allows a module of many operations to be longer', async () => {
    const operation = '@connector(name="a")\nasync def f(params):\n    return 1\n\n\n';
    const many = operation.repeat(15) + 'x = 1\n'.repeat(450);
    assert.deepEqual(await check({ ...base, 'src/operations.py': many }), []);
    assert.equal((await check({ ...base, 'src/operations.py': many + 'x = 1\n'.repeat(200) })).length, 1);
  });
});
