/** Agents that reach for files which are none of their business, and agents that never come to an end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { json, tool } from '../loopback/index.ts';
import { BEYOND, LENGTHS, LENGTHS_TEST, research, write } from './harbour.ts';
import {
  answers,
  askAt,
  claimDone,
  edit,
  type HostileCase,
  inConnector,
  pausedStuck,
  read,
  shown,
  stands,
  textsBelow,
} from './hostile-support.ts';
import { blame, CODE } from './tides.ts';
import type { PipelineWorld } from './support.ts';

const FAILING = { 'src/tides.py': CODE.replace('return 1.5 +', 'return 1.7 +') };
/** The generator and the tester have something to write. */
const WRITING = { research: [research({ beyond: [BEYOND] })] };

const OUTSIDE = [
  '../x',
  '/tmp/sourcewright-hostile-x',
  '.env',
  '.git/hooks/post-commit',
  '../../.git/hooks/post-commit',
  '.vscode/settings.json',
  '.github/workflows/x.yml',
  'pyproject.toml',
  'tests/test_results.json',
  'CLAUDE.md',
];
const OUTSIDE_OF_TESTS = ['tests/test_results.json', '../x.py', 'src/tides.py', 'tests/.env.json'];

/** What stands in places that no agent may see. Of no shape that a scan for credentials would know. */
const PRIVATE = 'the tide is high at the harbour bar';

/** A person's private files and links, in the connector's folder and around it. */
async function plant({ workspace }: PipelineWorld): Promise<void> {
  const dir = join(workspace, 'connectors', 'source-harbour');
  await mkdir(join(workspace, 'outside'));
  await writeFile(join(workspace, 'outside', 'secret.py'), `# ${PRIVATE}\n`);
  await writeFile(join(dir, '.env'), `HARBOUR="${PRIVATE}"\n`);
  await writeFile(join(dir, 'config.json'), JSON.stringify({ key: PRIVATE }));
  await mkdir(join(dir, '.sourcewright'));
  await writeFile(join(dir, '.sourcewright', 'notes.txt'), PRIVATE);
  await symlink('../../../outside/secret.py', join(dir, 'src', 'link.py'));
  await symlink('../../../outside', join(dir, 'src', 'folder'));
  await symlink('../.env', join(dir, 'src', 'env.py'));
}

const READ = [
  '.env',
  'config.json',
  '../../harbour.openapi.yaml',
  '/etc/passwd',
  '.sourcewright/notes.txt',
  '../../.sourcewright/runs',
  'src/link.py',
  'src/folder/secret.py',
  'src/env.py',
];

export const FILES: readonly HostileCase[] = [
  {
    tries:
      'Generator and Tester write `../x`, an absolute path, `.env`, git hooks, `.vscode/settings.json`, `.github/workflows/x.yml`, `CLAUDE.md`, `pyproject.toml`, `tests/test_results.json`',
    outcome:
      'Each refused and nothing made; after five refusals the conversation is stopped and the run pauses as `stuck`; resumed, it goes on',
    async run(stage) {
      const w = await stage.world({
        ...WRITING,
        generate: [[OUTSIDE.map((path) => write(path, 'x\n')), write('src/lengths.py', LENGTHS), claimDone]],
        test: [
          [
            OUTSIDE_OF_TESTS.map((path) => write(path, 'x\n')),
            write('tests/test_lengths.py', LENGTHS_TEST),
            claimDone,
          ],
        ],
      });
      execFileSync('git', ['init', '-q'], { cwd: w.workspace });
      const domains = ['docs.harbour.example'];
      const run = await w.start(askAt('tests'), { webDomains: domains });
      await pausedStuck(run, /tried 5 times to do what it may not do/);
      await run.resume();
      const view = await stands(run, 'tests');
      assert.deepEqual(await shown(view, 'refused'), [
        ...OUTSIDE.map((path) => `generate: write ${path}`),
        ...OUTSIDE_OF_TESTS.map((path) => `test: write ${path}`),
      ]);
      const made = new Set((await textsBelow(view.connectorDir ?? '')).map(([path]) => path));
      const compiled = miniConnector().map(({ path }) => path);
      const written = ['requirements.lock', 'tests/test_results.json'];
      const expected = [...compiled, ...written, 'src/lengths.py', 'tests/test_lengths.py'];
      assert.deepEqual([...made].sort(), expected.sort());
      assert.ok(!(await inConnector(view, 'tests/test_results.json')).startsWith('x'));
      assert.equal(await inConnector(view, 'src/tides.py'), CODE);
      const web = w.server.messageRequests.flatMap(({ message }) =>
        (message?.body.tools ?? []).filter(({ type }) => type?.startsWith('web_') === true),
      );
      assert.deepEqual([...new Set(web.map(({ name }) => name))], ['web_search', 'web_fetch']);
      assert.ok(web.every((one) => JSON.stringify(one['allowed_domains']) === JSON.stringify(domains)));
      assert.equal(existsSync('/tmp/sourcewright-hostile-x'), false);
      for (const path of ['x', 'connectors/x', 'connectors/x.py', '.git/hooks/post-commit'])
        assert.equal(existsSync(join(w.workspace, path)), false, path);
    },
  },
  {
    tries:
      'Test Reviewer and Generator read `.env`, `config.json`, `/etc/passwd`, the workspace, `.sourcewright/`, through links to a file and a folder outside, and search for the secret',
    outcome:
      'Each refused, searches find nothing; a link is not followed when writing either; nothing of it is in any request; links are not published',
    async run(stage) {
      const reads = READ.map(read);
      const searches = [
        tool('grep', { pattern: 'tide is high' }),
        tool('grep', { pattern: 'tide', path: '.env' }),
        tool('grep', { pattern: 'tide', path: 'src/folder' }),
      ];
      const through = [
        edit('src/link.py', '#', '##'),
        write('src/folder/new.py', 'x\n'),
        tool('glob', { pattern: '**/*env*' }),
        tool('glob', { pattern: '.sourcewright/*' }),
      ];
      const mend = [edit('src/tides.py', '1.7 +', '1.5 +')];
      const w = await stage.world(
        {
          diagnose: [[reads, searches, blame('code')]],
          'generate-fix': [[[READ.slice(0, 2).map(read), through], mend, claimDone]],
        },
        FAILING,
      );
      const run = await w.start(askAt('code'));
      await stands(run, 'code');
      await plant(w);
      await run.decide('code', { kind: 'approve' });
      await pausedStuck(run, /tried 5 times to do what it may not do/);
      await run.resume();
      await pausedStuck(run, /tried 5 times to do what it may not do/);
      await run.resume();
      const view = await stands(run, 'paused');
      // In a sandbox that shows nothing but the connector, the linters find that the link leads nowhere.
      const [cause, words] = {
        person: ['person', /symbolic links, which are not published: src\/env\.py/] as const,
        environment: ['environment', /could not review the connector: .*src\/link\.py/] as const,
      }[view.pause?.cause === 'environment' ? 'environment' : 'person'];
      assert.equal(view.pause?.cause, cause);
      assert.match(view.pause.message, words);
      const all = await answers(view);
      const asked = all.filter(({ name }) => name === 'read');
      assert.equal(asked.length, READ.length + 2);
      assert.ok(asked.every(({ refused }) => refused));
      assert.deepEqual(
        all.filter(({ name }) => name === 'grep').map(({ content }) => content.slice(0, 20)),
        ['no matches', 'Refused: .env holds ', 'Refused: path "src/f'],
      );
      assert.deepEqual(
        (await textsBelow(join(w.workspace, 'outside'))).map(([, text]) => text),
        [`# ${PRIVATE}\n`],
      );
      for (const { rawBody } of w.server.messageRequests) {
        assert.ok(!rawBody.includes(PRIVATE));
        assert.ok(!rawBody.includes('root:'));
      }
    },
  },
  {
    tries: 'Generator makes the same call three times',
    outcome: 'The third is refused and the run pauses as `stuck`; resumed, it goes on after the last turn',
    async run(stage) {
      const same = read('src/tides.py');
      const w = await stage.world({
        ...WRITING,
        generate: [[same, same, same, write('src/lengths.py', LENGTHS), claimDone]],
      });
      const run = await w.start(askAt('code'));
      const paused = await pausedStuck(run, /same call \(read\) for the third time/);
      assert.deepEqual(await shown(paused, 'refused'), ['generate: read src/tides.py']);
      await run.resume();
      const view = await stands(run, 'code');
      assert.equal(await inConnector(view, 'src/lengths.py'), LENGTHS);
      assert.equal(w.scripts.counts()['generate'], 5);
    },
  },
  {
    tries: 'Test Reviewer never comes to an end: another call in each turn',
    outcome: 'Stopped at its limit of turns (15 here); pauses as `stuck`; each resume gives as many again',
    async run(stage) {
      const endless = Array.from({ length: 30 }, (_, n) => tool('grep', { pattern: `tide ${n}` }));
      const w = await stage.world({ 'diagnose-pass': [[...endless, json({ findings: [] })]] });
      const run = await w.start(askAt('tests'));
      await pausedStuck(run, /has taken 15 turns without coming to an end/);
      assert.equal(w.scripts.counts()['diagnose-pass'], 15);
      await run.resume();
      await pausedStuck(run, /has taken 15 turns/);
      assert.equal(w.scripts.counts()['diagnose-pass'], 30);
      await run.resume();
      await stands(run, 'tests');
    },
  },
];
