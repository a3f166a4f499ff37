/**
 * A secret in every place that a run reads, looked for in every place that a run leaves: the built program with rules and with
 * scripted agents. Where a value may stand, its place is named here with the reason.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { cacheFolder } from '../../src/python/environments.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { type Blocks, LoopbackServer, tool, webFetch } from '../agents/loopback/index.ts';
import { DOCS, HAPPY, LENGTHS_TEST, research, test as testing, written } from '../agents/pipeline/harbour.ts';
import { type Conversations, type ScriptedTurn, scripts } from '../agents/pipeline/support.ts';
import { Canaries, type Leak } from './canaries.ts';
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

/** A place in which a value may stand. */
interface Excuse {
  /** Only this value; absent = what the person put there, whatever it is. */
  readonly canary?: string;
  readonly place: RegExp;
  readonly why: string;
}

const GIVEN: readonly Excuse[] = [
  {
    place: /^home\/\.(netrc|pypirc|git-credentials|aws\/credentials|config\/pip\/pip\.conf)$/,
    why: 'written by the person',
  },
  { place: /^work\/\.git\/config$/, why: 'the person’s remote, with the password in its address' },
  { place: /^work\/(quay|harbour)\.openapi\.json$/, why: 'the person’s description' },
  { place: /^work\/(secrets\.json|\.env)$/, why: 'the person’s own file' },
  {
    place: /^work\/connectors\/source-\w+\/(config\.json|\.env|credentials\.json|account\.pem)$/,
    why: 'the person’s own file, which `listFiles` calls private',
  },
];

/** Nothing tells such words from a name or a number; what looks like a credential, or is known to be one, is taken out. */
const SHAPELESS = 'words of the person';
const ADDRESS = 'the address of the description';
const PERSONS_WORDS: readonly Excuse[] = [
  {
    canary: SHAPELESS,
    place: /^work\/\.sourcewright\/runs\/[\w-]+\/journal\.jsonl$/,
    why: 'the decision as the person made it',
  },
];
const TO_THE_AGENT: readonly Excuse[] = [
  {
    canary: ADDRESS,
    place: /^work\/\.sourcewright\/runs\/[\w-]+\/journal\.jsonl$/,
    why: 'the request as the person made it: research reads the description by it again',
  },
  { canary: SHAPELESS, place: /^request \d+$/, why: 'the person says it to the agent' },
  {
    canary: SHAPELESS,
    place:
      /^work\/\.sourcewright\/runs\/[\w-]+\/(transcripts\/generate-2\.jsonl|before\/generate-2\.ended\/note\.json)$/,
    why: 'what the agent was told',
  },
];

function assertNowhere(leaks: readonly Leak[], excuses: readonly Excuse[] = []): void {
  const all = [...GIVEN, ...excuses];
  const left = leaks.filter(
    ({ canary, place }) =>
      !all.some((excuse) => excuse.place.test(place) && (excuse.canary ?? canary) === canary),
  );
  assert.deepEqual(
    left.map(({ canary, place }) => `${canary} in ${place}`),
    [],
  );
}

/** A person's machine in miniature: a home with credentials, a repository, an environment full of secrets. */
class Machine {
  readonly canaries = new Canaries();
  readonly outcomes: Outcome[] = [];
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly #began = Date.now() - 1000;

  private constructor(folder: string) {
    this.folder = folder;
    const variable = (name: string, shape?: Parameters<Canaries['plant']>[1]): [string, string] => [
      name,
      this.canaries.plant(`the variable ${name}`, shape),
    ];
    const address = (name: string, start: string, end: string): [string, string] => {
      const password = encodeURIComponent(this.canaries.plant(`the address in ${name}`, 'password'));
      return [name, `${start}${password}${end}`];
    };
    this.env = {
      ...{
        HOME: join(folder, 'home'),
        TMPDIR: join(folder, 'tmp'),
        XDG_CACHE_HOME: join(folder, 'home', '.cache'),
      },
      ...{ XDG_CONFIG_HOME: join(folder, 'home', '.config'), GIT_TERMINAL_PROMPT: '0' },
      SOURCEWRIGHT_CACHE: cacheFolder(),
      ...Object.fromEntries([
        variable('ANTHROPIC_API_KEY', 'key of a model'),
        variable('GITHUB_TOKEN'),
        variable('AWS_ACCESS_KEY_ID', 'key of a cloud'),
        variable('AWS_SECRET_ACCESS_KEY', 'password'),
        variable('ACME_TOKEN', 'password'),
        variable('NPM_TOKEN'),
        variable('MAIL_PASSPHRASE'),
        variable('REGISTRY_PAT'),
        address('PIP_INDEX_URL', 'http://somebody:', '@127.0.0.1:9/simple'),
        address('UV_INDEX_URL', 'http://somebody:', '@127.0.0.1:9/simple'),
        address('DATABASE_URL', 'postgres://app:', '@db.example/app'),
        address('HTTPS_PROXY', 'http://proxy:', '@127.0.0.1:9'),
      ]),
    };
  }

  static async make(): Promise<Machine> {
    const machine = new Machine(await temporaryFolder());
    const { canaries, folder, work } = machine;
    const home = join(folder, 'home');
    for (const dir of [work, join(folder, 'tmp'), join(home, '.aws'), join(home, '.config', 'pip')]) {
      await mkdir(dir, { recursive: true });
    }
    const secret = (name: string): string => canaries.plant(`~/${name}`);
    const files: Record<string, string> = {
      '.netrc': `machine 127.0.0.1 login me password ${secret('.netrc')}\n`,
      '.pypirc': `[pypi]\nusername = __token__\npassword = ${secret('.pypirc')}\n`,
      '.git-credentials': `https://me:${secret('.git-credentials')}@git.example.invalid\n`,
      '.aws/credentials': `[default]\naws_secret_access_key = ${secret('.aws/credentials')}\n`,
      '.config/pip/pip.conf': `[global]\nextra-index-url = http://me:${secret('pip.conf')}@127.0.0.1:9/simple\n`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
    machine.git('init', '--quiet', '--initial-branch=main');
    machine.git('config', 'user.email', 'tests@example.invalid');
    machine.git('config', 'user.name', 'Tests');
    machine.git(
      'remote',
      'add',
      'origin',
      `https://me:${canaries.plant('a remote of git')}@git.example.invalid/o/r.git`,
    );
    await machine.write('.env', `SERVICE_TOKEN=${canaries.plant('.env of the workspace', 'password')}\n`);
    return machine;
  }

  get work(): string {
    return join(this.folder, 'work');
  }

  /** A repository of GitHub's that takes what is pushed, with its API at `api`. */
  joinGitHub(api: string): void {
    execFileSync('git', ['init', '--quiet', '--bare', this.hub], { stdio: 'ignore' });
    this.git('remote', 'add', 'hub', 'https://github.com/o/r.git');
    this.git('config', `url.file://${this.hub}.pushInsteadOf`, 'https://github.com/o/r.git');
    this.env['GITHUB_API_URL'] = api;
  }

  get hub(): string {
    return join(this.folder, 'hub.git');
  }

  git(...words: string[]): string {
    return execFileSync('git', words, {
      cwd: this.work,
      encoding: 'utf8',
      env: { ...process.env, ...this.env },
    });
  }

  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.work, path), text);
  }

  async run(...words: string[]): Promise<RunSummary> {
    const outcome = await sourcewright(words, { cwd: this.work, env: this.env });
    this.outcomes.push(outcome);
    return words.includes('--json') ? (only(outcome) as unknown as RunSummary) : ({} as RunSummary);
  }

  /** The private files of a connector, as a person puts them beside it to try it. */
  async putPrivate(connector: string): Promise<void> {
    const secret = (name: string): string => this.canaries.plant(`${name} of the connector`, 'password');
    const files: Record<string, string> = {
      'config.json': JSON.stringify({ credentials: { api_key: secret('config.json') } }),
      '.env': `API_KEY="${secret('.env')}"\n`,
      'credentials.json': JSON.stringify({ token: secret('credentials.json') }),
      'account.pem': `-----BEGIN PRIVATE KEY-----\n${this.canaries.plant('account.pem of the connector')}\n-----END PRIVATE KEY-----\n`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(connector, name), text);
  }

  /** Everything that was printed, or lies anywhere. */
  async leaks(): Promise<Leak[]> {
    const { canaries, env, folder } = this;
    const cache = env['SOURCEWRIGHT_CACHE'] ?? '';
    const changed: string[] = [];
    if (
      await stat(cache).then(
        () => true,
        () => false,
      )
    ) {
      for (const path of await newer(cache, this.#began)) changed.push(path);
    }
    const inCache: Leak[] = [];
    for (const path of changed)
      inCache.push(...canaries.in(`cache/${path}`, await readFile(join(cache, path))));
    return [
      ...this.outcomes.flatMap(({ stdout, stderr }, n) => [
        ...canaries.in(`stdout of command ${n + 1}`, stdout),
        ...canaries.in(`stderr of command ${n + 1}`, stderr),
      ]),
      ...(await canaries.below(join(folder, 'work'), 'work')),
      ...(await canaries.below(join(folder, 'home'), 'home')),
      ...(await canaries.below(join(folder, 'tmp'), 'tmp')),
      ...canaries.inGit(this.work),
      ...(existsSync(this.hub) ? canaries.inGit(this.hub) : []),
      ...inCache,
    ];
  }

  async remove(): Promise<void> {
    await removeFolder(this.folder);
  }
}

/** Answers as the API of GitHub does to who opens a pull request; what it is told goes to `told`, but for what signs it in. */
function gitHub(request: IncomingMessage, response: ServerResponse, told: string[]): void {
  const { method = '', url = '', headers } = request;
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const others = { ...headers, authorization: '' };
    told.push(`${method} ${url} ${JSON.stringify(others)} ${Buffer.concat(parts).toString('utf8')}`);
    const made = { html_url: 'https://github.com/o/r/pull/7' };
    const found = url.includes('/pulls') ? [] : { default_branch: 'main' };
    response.writeHead(method === 'POST' ? 201 : 200);
    response.end(JSON.stringify(method === 'POST' ? made : found));
  });
}

/** Files of the shared cache that were written since. */
async function newer(folder: string, since: number): Promise<string[]> {
  const found: string[] = [];
  for (const path of await readdir(folder, { recursive: true })) {
    const entry = await stat(join(folder, path)).catch(() => undefined);
    if (entry?.isFile() === true && entry.mtimeMs >= since) found.push(path);
  }
  return found;
}

describe('a secret in every input', function () {
  this.timeout(600_000);
  let machine: Machine;
  let site: Site;

  afterEach(async () => {
    await site.close();
    await machine.remove();
  });

  it('is in nothing that a run by rules leaves', async () => {
    machine = await Machine.make();
    const { canaries } = machine;
    const key = canaries.plant('the key of the probe', 'password');
    let asked = 0;
    // It answers with what it was sent, and with secrets of its own.
    const own = canaries.plant('an answer of the API', 'key of a cloud');
    const told: string[] = [];
    site = await serve((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url?.startsWith('/github/') === true) {
        gitHub(request, response, told);
        return;
      }
      asked += 1;
      response.setHeader('x-echo', encodeURIComponent(String(request.headers['x-quay-key'])));
      response.end(JSON.stringify([{ id: 1, echo: request.headers['x-quay-key'], token: own }]));
    });
    machine.joinGitHub(`${site.url}/github/`);
    await machine.write('quay.openapi.json', JSON.stringify(quay(canaries, site.url)));
    await machine.write('secrets.json', JSON.stringify({ api_key: key, base_url: site.url }));
    const words = ['--probe', '--credentials', 'secrets.json', '--verbose', '--json'];
    const first = await machine.run('generate', 'quay.openapi.json', ...words, '--approve', 'research');
    assert.equal(first.gate, 'code', machine.outcomes[0]?.stderr);
    assert.ok(asked > 0);
    await machine.putPrivate(first.connector.dir ?? '');
    const shapeless = canaries.plant(SHAPELESS);
    const feedback = `Use ${machine.env['ACME_TOKEN'] ?? ''} and ${canaries.plant('a key in the person’s words', 'key of a cloud')}, not ${shapeless}.`;
    await machine.run('resume', 'latest', '--request-changes', 'code', '--feedback', feedback, '--json');
    const last = await machine.run(
      'resume',
      'latest',
      '--auto',
      '--verbose',
      '--json',
      '--credentials',
      'secrets.json',
    );
    assert.equal(last.status, 'published', machine.outcomes.at(-1)?.stderr);
    for (const command of ['show', 'findings', 'snapshots']) await machine.run(command, 'latest');
    await machine.run('inspect', 'quay.openapi.json');
    await machine.run('show', 'latest', '--json');
    assert.ok(canaries.size >= 38);
    assert.equal(last.publication.prUrl, 'https://github.com/o/r/pull/7', machine.outcomes[2]?.stderr);
    assert.ok(told.some((line) => line.startsWith('POST ')));
    assertNowhere(await machine.leaks(), PERSONS_WORDS);
    assertNowhere(canaries.in('what GitHub was told', told.join('\n')));
  });

  it('is in nothing that a run by agents leaves, and in no request to a model', async () => {
    machine = await Machine.make();
    const { canaries } = machine;
    const { description, pages } = await harbour(canaries);
    site = await serve((request, response) => {
      const path = request.url?.split('?')[0] ?? '';
      response.setHeader('content-type', path === '/docs' ? 'text/html' : 'application/json');
      response.end(path === '/docs' ? pages : description);
    });
    const improve: ScriptedTurn[] = [
      tool('edit', {
        file_path: 'src/lengths.py',
        old_string: 'FEET_TO_METRES = 0.3048',
        new_string: '# Metres.\nFEET_TO_METRES = 0.3048',
      }),
      (request) => written(request),
    ];
    const docs = {
      ...DOCS,
      text: `${DOCS.text}\nTry it: curl -H "X-Harbour-Key: ${canaries.plant('a page that the API fetched', 'key of a cloud')}"`,
    };
    const answer = (research()[0] as readonly Blocks[])[1] ?? [];
    const conversations: Conversations = {
      ...HAPPY,
      research: [[tool('fetch_document', { url: `${site.url}/docs` }), [webFetch(docs), answer]]],
      'generate-improve': [improve],
      test: [
        [
          [
            tool('read', { file_path: '.env' }),
            tool('read', { file_path: 'config.json' }),
            tool('grep', { pattern: 'SERVICE_TOKEN|api_key|PRIVATE' }),
          ],
          ...testing(NOSY_TEST),
        ],
      ],
    };
    const server = await LoopbackServer.start({ apiKey: machine.env['ANTHROPIC_API_KEY'] ?? '' });
    try {
      const scripted = await scripts(conversations);
      server.setScript((request) => scripted.script(request));
      machine.env['ANTHROPIC_BASE_URL'] = server.url;
      const words = ['--engine', 'agents', '--verbose', '--json', '--approve', 'research'];
      const source = `${site.url}/harbour.openapi.yaml?access_token=${canaries.plant(ADDRESS)}`;
      const first = await machine.run('generate', source, ...words);
      assert.equal(first.gate, 'code', machine.outcomes[0]?.stderr);
      await machine.putPrivate(first.connector.dir ?? '');
      const shaped = canaries.plant('a key in the person’s words', 'key of a cloud');
      const feedback = `Use ${machine.env['ACME_TOKEN'] ?? ''} and ${shaped}, not ${canaries.plant(SHAPELESS)}.`;
      await machine.run('resume', 'latest', '--request-changes', 'code', '--feedback', feedback, '--json');
      const last = await machine.run('resume', 'latest', '--auto', '--verbose', '--json');
      assert.equal(last.status, 'published', machine.outcomes.at(-1)?.stderr);
      await machine.run('show', 'latest');
      await machine.run('models');
      assert.deepEqual(scripted.missing, []);
      const asked = server.messageRequests.flatMap(({ body }, n) =>
        canaries.in(`request ${n + 1}`, JSON.stringify(body)),
      );
      assertNowhere([...asked, ...(await machine.leaks())], [...PERSONS_WORDS, ...TO_THE_AGENT]);
    } finally {
      await server.close();
    }
  });

  it('is in no word about packages that can’t be installed', async () => {
    machine = await Machine.make();
    const { canaries, env } = machine;
    // An index with a password that has nothing.
    site = await serve((_request, response) => {
      response.statusCode = 404;
      response.end();
    });
    const password = encodeURIComponent(canaries.plant('the index', 'password'));
    const index = `${site.url.replace('//', `//me:${password}@`)}/simple`;
    Object.assign(env, {
      PIP_INDEX_URL: index,
      UV_INDEX_URL: index,
      SOURCEWRIGHT_CACHE: join(machine.folder, 'cache'),
    });
    await machine.write('quay.openapi.json', JSON.stringify(quay(canaries, 'https://quay.example')));
    const paused = await machine.run('generate', 'quay.openapi.json', '--auto', '--verbose', '--json');
    assert.equal(paused.status, 'paused');
    assert.match(paused.pause?.message ?? '', /packages could not be fetched/);
    await machine.run('show', 'latest');
    assertNowhere([
      ...(await machine.leaks()),
      ...(await canaries.below(join(machine.folder, 'cache'), 'cache')),
    ]);
  });
});

/** What tests of an agent's find out, they print. */
const NOSY_TEST = LENGTHS_TEST.replace('from src', 'import os\nfrom pathlib import Path\n\nfrom src').concat(`

def test_nothing_private_is_there() -> None:
    """What is there is printed."""
    found = [path for name in (".env", "config.json") for path in Path(__file__).parents[1].glob(name)]
    print(dict(os.environ), [path.read_text() for path in found])
    assert found == []
`);

/** A description with a secret in each place that can hold one. */
function quay(canaries: Canaries, url: string): object {
  const key = (place: string): string => canaries.plant(`the description’s ${place}`, 'key of a cloud');
  const kind = {
    type: 'string',
    description: `As ${key('property')}`,
    example: key('example'),
    default: key('default'),
    enum: [key('enum'), 'a'],
  };
  const rows = {
    type: 'array',
    items: {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'integer' }, kind, echo: { type: 'string' } },
    },
  };
  return {
    openapi: '3.0.3',
    info: { title: 'Quay', version: '1', description: `Use ${key('introduction')}.` },
    servers: [{ url, description: key('server') }],
    security: [{ key: [] }],
    paths: {
      '/berths': {
        get: {
          operationId: 'list_berths',
          summary: `List ${key('summary')}`,
          description: `Try \`curl -H "X-Quay-Key: ${key('operation')}"\`.`,
          parameters: [
            {
              name: 'kind',
              in: 'query',
              description: key('parameter'),
              schema: { type: 'string' },
              example: key('parameter’s example'),
            },
          ],
          responses: {
            200: {
              description: key('response'),
              content: {
                'application/json': { schema: rows, example: [{ id: 1, kind: key('example of an answer') }] },
              },
            },
          },
        },
      },
    },
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'X-Quay-Key', description: key('security scheme') },
      },
    },
  };
}

/** The harbour's description with secrets in its texts, and a page about it. */
async function harbour(canaries: Canaries): Promise<{ description: string; pages: string }> {
  const key = (place: string): string => canaries.plant(place, 'key of a cloud');
  const text = await readFile(
    join(root, 'test', 'agents', 'pipeline', 'fixtures', 'harbour.openapi.yaml'),
    'utf8',
  );
  const description = text
    .replace('and their crews.', `and their crews. Use ${key('the description’s introduction')}.`)
    .replace('the newest first.', `the newest first. Try ${key('the description’s operation')}.`)
    .replace(
      'description: All berths.',
      `description: All berths, as with ${key('the description’s answer')}.`,
    )
    .replace(
      'flag: { type: string }',
      `flag: { type: string, example: ${key('the description’s example')} }`,
    );
  const pages = `<html><body><h1>Harbour</h1><p>Authorization: Bearer ${key('a page')}</p><pre>export KEY=${key('code on a page')}</pre></body></html>`;
  return { description, pages };
}
