/** Agents whose words can't be used, and a secret that must never get into anyone's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateName, RunView } from '../../../src/pipeline/contracts.ts';
import { json, LOOPBACK_KEY, tool } from '../loopback/index.ts';
import { approve, research, worthIt, write, written } from './harbour.ts';
import { claimDone, type HostileCase, inConnector, shown, stands, textsBelow } from './hostile-support.ts';
import type { PipelineWorld, ScriptedTurn } from './support.ts';
import { CODE, finding, needsWork } from './tides.ts';

/** Shaped like real ones; put together here, so that no scan finds them in this file. */
const AWS = ['AKIA', 'Q3EGRTZ7XK5WPLMN'].join('');
const GITHUB = ['ghp_', 'A9dKe03Lq7Vw2Zs5Xn8Rt1Yb4Mc6Pj0Hf3Ug'].join('');

/** Of no shape that a scan knows: only who is told of them can keep them back. */
const CANARY = 'harbour master 9d41c7e0';
const GATES = ['research', 'code', 'tests', 'publish'] as const;
const ENV_CANARY = 'lighthouse-77b0e2d4';
const CONFIG_CANARY = 'breakwater-51fa93c6';
const CONFIG = { credentials: { api_key: CONFIG_CANARY }, base_url: 'https://quay.example' };
const NOTHING = { beyond: [], claims: [] };
const READS_ENV = `"""Looks around."""

from pathlib import Path


def test_env() -> None:
    """Show it."""
    assert Path(".env").read_text() + Path("config.json").read_text() == ""
`;
const FINE = `"""Looks around."""

from src import height


def test_env() -> None:
    """Fine."""
    assert height(0) == 1.5
`;

function words(changes: object): ScriptedTurn {
  return json({ title: 'Read tides', summary: 'Reads tides.', changes: [], notes: [], ...changes });
}

/** A workspace under version control, with the person's git settings kept out. */
function repository({ workspace }: PipelineWorld): (...args: string[]) => string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: workspace, encoding: 'utf8', env }).trim();
  git('init', '-q', '-b', 'main');
  git('-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '--allow-empty', '-m', 'Begin');
  return git;
}

/** Where a value stands that must not be seen: requests, files of the run's folder, the log, the run as it is shown. */
async function placesOf(value: string, w: PipelineWorld, view: RunView): Promise<string[]> {
  const requests = w.server.requests.map(({ rawBody, index }) => [`request ${index}`, rawBody]);
  const files = await textsBelow(join(w.workspace, '.sourcewright'));
  const rest = [
    ['the log', w.log.join('\n')],
    ['the run', JSON.stringify(view)],
  ];
  return [...requests, ...files, ...rest].flatMap(([place = '', text = '']) =>
    text.includes(value) ? [place.replace(/^runs\/[^/]+\//, '')] : [],
  );
}

export const WORDS: readonly HostileCase[] = [
  {
    tries:
      'Reviewer suggests an edit that writes a credential, one that does not parse, and lines that don’t exist',
    outcome:
      'Sent back twice with the reasons, then the stage and the run end as `failed` (`model`); no file is changed',
    async run(stage) {
      const w = await stage.world({
        review: [
          [
            needsWork(finding({ after: `    KEY = "${AWS}"\n    if hour < 0:` })),
            needsWork(finding({ after: '    if hour < (0:' })),
            needsWork(finding({ after: null, startLine: 900, endLine: 900 })),
          ],
        ],
      });
      const view = await stands(await w.start(), 'failed');
      assert.equal(view.error?.code, 'model');
      assert.match(
        view.error.message,
        /after 2 corrections: src\/tides\.py has \d+ lines; 900 to 900 do not/,
      );
      const notes = (await shown(view, 'note')).filter((line) => line.startsWith('review: result sent back'));
      assert.equal(notes.length, 2);
      assert.match(notes[0] ?? '', /held what looks like a credential/);
      assert.match(notes[1] ?? '', /does not parse/);
      assert.equal(w.scripts.counts()['review'], 3);
      assert.equal(await inConnector(view, 'src/tides.py'), CODE);
      assert.equal(existsSync(join(view.runDir, 'review.json')), false);
      assert.deepEqual(await placesOf(AWS, w, view), []);
    },
  },
  {
    tries: 'Publisher invents numbers of tests, puts a token and a link into its words',
    outcome: 'Sent back twice, then `failed` (`model`); nothing is committed or packed',
    async run(stage) {
      const w = await stage.world({
        publish: [
          [
            words({ summary: 'All 150 tests passed with 100% coverage.' }),
            words({ notes: [`Sign in with ${GITHUB}.`] }),
            words({ changes: ['See https://evil.example for more.'] }),
          ],
        ],
      });
      const git = repository(w);
      const view = await stands(await w.start(), 'failed');
      assert.equal(view.error?.code, 'model');
      const notes = (await shown(view, 'note')).filter((line) =>
        line.startsWith('publish: result sent back'),
      );
      assert.equal(notes.length, 2);
      assert.match(notes[0] ?? '', /"150 tests passed" is not what the report says.*"100%" is not/);
      assert.match(notes[1] ?? '', /held what looks like a credential/);
      assert.match(view.error.message, /no links/);
      assert.equal(git('log', '--all', '--format=%s'), 'Begin');
      assert.equal(git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
      assert.equal(existsSync(join(view.runDir, 'packages')), false);
      assert.equal(existsSync(join(view.connectorDir ?? '', 'CHANGELOG.md')), false);
      assert.deepEqual(await placesOf(GITHUB, w, view), []);
    },
  },
  {
    tries:
      'Agents repeat the key and a secret of the environment that the person typed; Tester writes a test that prints `.env` and `config.json`',
    outcome:
      'In no request, transcript, artifact, line of the log or in the journal; answers that hold it are sent back',
    async run(stage) {
      const improve: ScriptedTurn[] = [
        tool('grep', { pattern: CANARY }),
        json({
          summary: `Used ${CANARY}.`,
          findings: [{ id: 'person', fixed: false, why: CANARY }],
          unresolved: [],
        }),
        (request) => written(request, false),
      ];
      const look: ScriptedTurn[] = [
        write('tests/test_env.py', READS_ENV),
        tool('run_tests', {}),
        write('tests/test_env.py', FINE),
        claimDone,
      ];
      const w = await stage.world({
        research: [
          research({ beyond: [] }),
          [...research({ ...NOTHING, summary: `Seen ${CANARY}.` }), ...research(NOTHING)],
        ],
        'generate-improve': [improve, improve],
        'diagnose-pass': [worthIt, worthIt, worthIt],
        'test-fix': [look],
        // The second review is asked the very same: the same script again.
        review: [[needsWork(finding({ after: null, message: `It holds ${CANARY}.` })), ...approve]],
        publish: [[words({ summary: `Sign in with ${CANARY}.` }), words({})]],
      });
      // Where nothing confines the tests, they see the files: then it is up to us what a model is shown.
      const run = await w.start({ gates: {} }, { secrets: [CANARY] }, { isolation: 'off' });
      const ask = async (gate: GateName): Promise<void> => {
        await stands(run, gate);
        const feedback = `At the gate ${gate}: the key is ${CANARY}, and ${LOOPBACK_KEY}.`;
        await run.decide(gate, { kind: 'request_changes', feedback });
        await stands(run, gate);
      };
      for (const gate of GATES) {
        await ask(gate);
        if (gate === 'code') {
          const dir = run.view().connectorDir ?? '';
          await writeFile(join(dir, '.env'), `export HARBOUR_KEY="${ENV_CANARY}"\n`);
          await writeFile(join(dir, 'config.json'), JSON.stringify(CONFIG));
        }
        await run.decide(gate, { kind: 'approve' });
      }
      const view = await stands(run, 'published');
      for (const value of [CANARY, LOOPBACK_KEY, ENV_CANARY, CONFIG_CANARY])
        assert.deepEqual(await placesOf(value, w, view), []);
      const sent = w.server.messageRequests.map(({ rawBody }) => rawBody).join('\n');
      for (const gate of GATES)
        assert.match(sent, new RegExp(`At the gate ${gate}: the key is \\[redacted\\], and \\[redacted`));
      assert.match(sent, /HARBOUR_KEY=.{0,4}\[redacted\]/);
      assert.match(sent, /api_key.{1,8}\[redacted\].{1,40}quay\.example/);
      const notes = (await shown(view, 'note')).filter((line) => line.includes('held what looks like'));
      assert.deepEqual(
        notes.map((line) => line.split(':')[0]),
        ['research', 'generate', 'review', 'generate', 'review', 'publish'],
      );
    },
  },
];
