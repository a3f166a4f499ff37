/** The key, the settings and the engine of agents, with a server on this machine in place of the API. */
import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { PipelineNode } from '../../src/editor/pipeline-nodes.ts';
import { panelModel } from '../../src/editor/panels/models/models.ts';
import { reportUri } from '../../src/editor/reports/report-documents.ts';
import type { RunView, StageName } from '../../src/pipeline/contracts.ts';
import { LOOPBACK_KEY, LoopbackServer, reply, type Script } from '../agents/loopback/index.ts';
import { HAPPY } from '../agents/pipeline/harbour.ts';
import type { ScriptedTurn } from '../agents/pipeline/support.ts';
import {
  access,
  extension,
  generate,
  library,
  status,
  underWay,
  until,
  viewOf,
  workspaceRoot,
} from './helpers.ts';
import { Canaries } from '../cli/canaries.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

interface Message {
  readonly text: string;
  readonly buttons: readonly string[];
}

/** Takes the place of the person: notes every message that is shown, and presses the button that `press` chooses. */
function watchMessages(press: (message: Message) => string | undefined = () => undefined): {
  readonly messages: Message[];
  readonly end: () => void;
} {
  const messages: Message[] = [];
  const { window } = vscode;
  const kinds = ['showInformationMessage', 'showWarningMessage', 'showErrorMessage'] as const;
  const before = kinds.map((kind) => window[kind]);
  for (const kind of kinds) {
    const show = (text: string, ...buttons: string[]): Thenable<string | undefined> => {
      messages.push({ text, buttons });
      return Promise.resolve(press({ text, buttons }));
    };
    Object.assign(window, { [kind]: show });
  }
  return {
    messages,
    end: () => {
      kinds.forEach((kind, index) => Object.assign(window, { [kind]: before[index] }));
    },
  };
}

/** Keeps what is written to the log, at every level. */
function recordLog(log: vscode.LogOutputChannel): { readonly lines: string[]; readonly end: () => void } {
  const lines: string[] = [];
  const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
  const before = levels.map((level) => log[level].bind(log));
  for (const level of levels) {
    const write = log[level].bind(log);
    const keep = (text: string, ...more: unknown[]): void => {
      lines.push(
        text,
        ...more.map((one) => (one instanceof Error ? (one.stack ?? '') : JSON.stringify(one))),
      );
      write(text, ...more);
    };
    Object.assign(log, { [level]: keep });
  }
  return {
    lines,
    end: () => {
      levels.forEach((level, index) => Object.assign(log, { [level]: before[index] }));
    },
  };
}

/** What the person was shown while `act` ran, as it was worded. */
async function shownDuring(act: () => Thenable<unknown>): Promise<string[]> {
  const { messages, end } = watchMessages();
  try {
    await act();
  } finally {
    end();
  }
  return messages.map(({ text }) => text);
}

const command = <T = unknown>(name: string, ...given: unknown[]): Thenable<T> =>
  vscode.commands.executeCommand<T>(`sourcewright.${name}`, ...given);
const set = (name: string, value: unknown): Thenable<void> =>
  vscode.workspace.getConfiguration('sourcewright').update(name, value, vscode.ConfigurationTarget.Global);

describe('agents', function () {
  this.timeout(60_000);
  let server: LoopbackServer;

  before(async () => {
    server = await LoopbackServer.start();
    await set('agents.baseUrl', server.url);
  });
  after(async () => {
    await server.close();
    for (const name of ['agents.baseUrl', 'agents.budget', 'engine']) await set(name, undefined);
    const { key } = await access();
    await key.remove();
  });

  it('take their settings from the person alone', async () => {
    const parts = (extension().packageJSON as Manifest).contributes.configuration;
    const settings = Object.entries(
      Object.assign({}, ...parts.map((part) => part.properties)) as Record<string, { scope: string }>,
    );
    const decisive = settings.filter(([name]) => /^sourcewright\.(engine$|agents\.)/.test(name));
    assert.deepEqual(decisive.map(([name]) => name.replace('sourcewright.', '')).sort(), [
      'agents.baseUrl',
      'agents.budget',
      'agents.models',
      'agents.prices',
      'agents.stageBudget',
      'agents.webDomains',
      'engine',
    ]);
    for (const [name, { scope }] of decisive) assert.equal(scope, 'application', name);
    const configuration = vscode.workspace.getConfiguration('sourcewright');
    for (const [name, value] of [
      ['engine', 'agents'],
      ['agents.budget', 100],
      ['agents.baseUrl', 'https://elsewhere.example'],
    ] as const) {
      await assert.rejects(
        Promise.resolve(configuration.update(name, value, vscode.ConfigurationTarget.Workspace)),
        name,
      );
    }
  });

  it('are refused without a key, with the command that sets one, and nothing is begun', async () => {
    const { key, runs } = await access();
    assert.equal(await key.isSet(), false);
    const before = runs.entries().length;
    const shown = await shownDuring(async () => {
      const given = { location: library(), name: 'no-key', engine: 'agents' };
      assert.equal(await command('generateConnector', given), undefined);
    });
    assert.equal(shown.length, 1);
    assert.match(shown[0] ?? '', /key/i);
    assert.match(shown[0] ?? '', /Sourcewright: Set Anthropic API Key/);
    assert.match(shown[0] ?? '', /Rules/);
    assert.equal(runs.entries().length, before);
    assert.equal(existsSync(join(workspaceRoot(), 'connectors', 'source-no-key')), false);
  });

  it('take the setting of the engine, which is a person’s default', async () => {
    await set('engine', 'agents');
    try {
      const shown = await shownDuring(() => command('generateConnector', { location: library() }));
      assert.match(shown.join(), /Set Anthropic API Key/);
    } finally {
      await set('engine', undefined);
    }
  });

  it('refuse what can’t be a key, and do not repeat it', async () => {
    const { key } = await access();
    for (const wrong of ['', '   ', 'sk-ant-abc def-ghijklmnop', 'ANTHROPIC_API_KEY=sk-ant-abcdefghijkl']) {
      const shown = await shownDuring(() => command('setApiKey', { key: wrong, test: false }));
      assert.match(shown.join(), /can't be an API key/);
      assert.doesNotMatch(shown.join(), /sk-ant-abc/);
      assert.equal(await key.isSet(), false);
    }
  });

  it('do not keep a key that the API refuses', async () => {
    const { key } = await access();
    const shown = await shownDuring(() => command('setApiKey', { key: 'sk-ant-not-the-right-one' }));
    assert.match(shown.join(), /refuses the key/);
    assert.doesNotMatch(shown.join(), /sk-ant-not/);
    assert.equal(await key.isSet(), false);
  });

  it('keep a key that was tested, say how many models it may use, and never show it', async () => {
    const { key } = await access();
    const shown = await shownDuring(async () => {
      assert.equal(await command('setApiKey', { key: ` ${LOOPBACK_KEY}\n` }), true);
      await command('testApiKey');
    });
    assert.equal(shown.length, 2);
    for (const words of shown) assert.match(words, /^The Anthropic API key works .*may use \d+ models/);
    assert.equal(await key.get(), LOOPBACK_KEY);
    assert.doesNotMatch(shown.join(), new RegExp(LOOPBACK_KEY));
    for (const text of filesUnder(join(workspaceRoot(), '.vscode'))) assert.ok(!text.includes(LOOPBACK_KEY));
    const settings = JSON.stringify(vscode.workspace.getConfiguration('sourcewright'));
    assert.ok(!settings.includes(LOOPBACK_KEY));
  });

  it('say so where a key was saved without a test, or nothing answers', async () => {
    const { key } = await access();
    const untested = await shownDuring(() => command('setApiKey', { key: LOOPBACK_KEY, test: false }));
    assert.match(untested.join(), /not tested/);
    await set('agents.baseUrl', 'http://127.0.0.1:9');
    try {
      const shown = await shownDuring(() => command('testApiKey'));
      assert.match(shown.join(), /could not be asked/);
    } finally {
      await set('agents.baseUrl', server.url);
    }
    assert.equal(await key.isSet(), true);
  });

  it('lose the key by the command, which says so', async () => {
    const { key } = await access();
    const shown = await shownDuring(() => command('removeApiKey'));
    assert.match(shown.join(), /is removed/);
    assert.equal(await key.isSet(), false);
    assert.match((await shownDuring(() => command('testApiKey'))).join(), /No Anthropic API key is set/);
  });

  describe('at work', function () {
    this.timeout(300_000);
    // Each step rests on the one before it.
    restsOnTheLast();
    let runId = '';
    let watch: ReturnType<typeof watchMessages>;
    let logged: ReturnType<typeof recordLog>;
    const canaries = new Canaries();

    before(async () => {
      server.reset();
      server.setScript(harbourScript());
      canaries.add('the API key', LOOPBACK_KEY);
      const text = readFileSync(fixture('harbour.openapi.yaml'), 'utf8')
        .replace('and their crews.', `and their crews, as in ${canaries.plant('a text', 'key of a cloud')}.`)
        .replace(
          'flag: { type: string }',
          `flag: { type: string, example: ${canaries.plant('an example', 'key of a cloud')} }`,
        );
      await writeFile(join(workspaceRoot(), 'harbour.openapi.yaml'), text);
      logged = recordLog((await access()).log);
      watch = watchMessages(({ buttons }) => buttons.find((button) => button.startsWith('Resume ')));
    });
    after(() => {
      logged.end();
      watch.end();
    });

    const start = (): Promise<string> =>
      generate({
        location: join(workspaceRoot(), 'harbour.openapi.yaml'),
        name: 'harbour',
        engine: 'agents',
      });
    const paused = (cause: string): Promise<RunView> =>
      until(`the pause for ${cause}`, async () => {
        const view = await viewOf(runId);
        if (view.status === 'failed') throw new Error(JSON.stringify(view.error));
        return view.pause?.cause === cause && view;
      });
    /** The buttons of the one notification with this button. */
    const noticeWith = async (button: string): Promise<readonly string[] | undefined> => {
      const told = await until(`a notification with ${button}`, () => {
        const found = watch.messages.filter(({ buttons }) => buttons.includes(button));
        return found.length > 0 && found;
      });
      assert.equal(told.length, 1, 'said more than once');
      return told[0]?.buttons;
    };
    const item = async (name: StageName): Promise<vscode.TreeItem> => {
      const { pipelineTree } = await access();
      return pipelineTree.getTreeItem({ kind: 'stage', runId, stage: name });
    };
    const children = async (name: StageName): Promise<PipelineNode[]> => {
      const { pipelineTree } = await access();
      return pipelineTree.getChildren({ kind: 'stage', runId, stage: name });
    };

    it('pause where the key is refused, and go on with another one', async () => {
      await command('setApiKey', { key: 'sk-ant-not-the-right-one', test: false });
      runId = await start();
      await paused('credentials');
      assert.deepEqual(await noticeWith('Set API Key…'), ['Set API Key…', 'Resume', 'Open Log']);
      assert.match((await item('research')).contextValue ?? '', /\.paused\.pause-credentials\.ours/);
      await set('agents.budget', 0.01);
      await command('setApiKey', { key: LOOPBACK_KEY });
      assert.deepEqual(await noticeWith('Resume source-harbour'), ['Resume source-harbour']);
    });

    it('pause at the budget before anything is asked, and say what it would take', async () => {
      const view = await paused('budget');
      assert.deepEqual(server.messageRequests, []);
      assert.match(view.pause?.cure ?? '', /sourcewright\.agents\.budget/);
      assert.match((await item('research')).contextValue ?? '', /\.paused\.pause-budget\.ours/);
      assert.deepEqual(await noticeWith('Raise Budget…'), ['Raise Budget…', 'Resume', 'Open Log']);
    });

    it('go on by themselves once the budget is raised, which changes the setting', async () => {
      // Holds one request back, so that the feed can be looked at.
      server.fail((request) => request.systemText === promptText('generate') && request.position === 3, {
        delayMs: 3000,
      });
      await command('raiseBudget', runId, 5);
      assert.equal(vscode.workspace.getConfiguration('sourcewright').get('agents.budget'), 5);
      const nodes = await until(
        'the feed of the generator',
        async () => {
          await underWay(runId);
          const found = (await children('generate')).filter(({ kind }) => kind === 'activity');
          return found.length >= 5 && found;
        },
        180_000,
        async () => children('generate'),
      );
      assert.ok(nodes.length <= 6, 'the feed pushes everything else out of sight');
      const { pipelineTree } = await access();
      const items = nodes.map((node) => pipelineTree.getTreeItem(node));
      const labels = items.map(({ accessibilityInformation }) => accessibilityInformation?.label ?? '');
      assert.ok(
        labels.some((label) => /^Turn of the model: turn \d+: /.test(label)),
        labels.join('\n'),
      );
      assert.ok(
        labels.some((label) => /^Tool call: .*src\/lengths\.py/.test(label)),
        labels.join('\n'),
      );
      assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
      assert.match(String((await item('generate')).description), /^<?\$0\.\d\d · \d+k tokens/);
    });

    it('publish what they made, with a transcript of each to read', async () => {
      const view = await status(runId, 'published', 240_000);
      assert.deepEqual(server.scriptErrors, []);
      assert.ok(view.usage.usd > 0 && view.usage.usd < 5);
      const { pipelineTree } = await access();
      for (const name of STAGES) {
        const [transcript] = (await children(name)).filter(({ kind }) => kind === 'transcript');
        assert.ok(transcript?.kind === 'transcript', `no transcript of ${name}`);
        const { accessibilityInformation, command: opens } = pipelineTree.getTreeItem(transcript);
        assert.match(accessibilityInformation?.label ?? '', /^Transcript of .*, attempt 1$/);
        assert.equal(opens?.command, 'sourcewright.openArtifact');
        const document = await vscode.workspace.openTextDocument(reportUri(transcript.path));
        assert.equal(document.languageId, 'markdown');
        assert.match(document.getText(), /^# \w+, attempt 1\n[^]*## Turn 1 · [^]*## Result · /, name);
        assert.notEqual(vscode.workspace.fs.isWritableFileSystem(document.uri.scheme), true);
      }
      assert.ok((await children('generate')).every(({ kind }) => kind !== 'activity'));
    });

    it('leave the key and what the description holds nowhere: files, log, panels, reports, messages, git', async () => {
      const view = await viewOf(runId);
      const { panels } = await access();
      assert.ok(logged.lines.some((line) => line.includes(runId)));
      const reports = readdirSync(view.runDir).filter((name) => name.endsWith('.json'));
      const shown = await Promise.all([
        ...(['research', 'review', 'run'] as const).map(async (kind) => {
          panels.show(kind, runId);
          return [`panel ${kind}`, JSON.stringify(await panelModel(kind, view))] as const;
        }),
        ...reports.map(async (name) => {
          const document = await vscode.workspace.openTextDocument(reportUri(join(view.runDir, name)));
          return [`report of ${name}`, document.getText()] as const;
        }),
      ]);
      assert.ok(shown.length > 8);
      const own = /^workspace\/harbour\.openapi\.yaml$/;
      const leaks = [
        ...(await canaries.below(workspaceRoot(), 'workspace', (path) => !path.includes('node_modules'))),
        ...canaries.in('the log', logged.lines.join('\n')),
        ...shown.flatMap(([place, text]) => canaries.in(place, text)),
        ...canaries.in('messages', watch.messages.map(({ text }) => text).join('\n')),
        ...server.messageRequests.flatMap(({ rawBody }) => canaries.in('a request to a model', rawBody)),
        ...(existsSync(join(workspaceRoot(), '.git')) ? canaries.inGit(workspaceRoot()) : []),
      ].filter(({ place }) => !own.test(place));
      assert.deepEqual(leaks, []);
    });
  });
});

const STAGES = ['research', 'generate', 'test', 'diagnose', 'review', 'publish'] as const;

const fixture = (name: string): string =>
  join(extension().extensionPath, 'test', 'agents', 'pipeline', 'fixtures', name);

function promptText(name: string): string {
  return readFileSync(join(extension().extensionPath, 'dist', 'prompts', `${name}.md`), 'utf8').trim();
}

/** All agents of a whole run, each by its prompt; all goes well. */
function harbourScript(): Script {
  const conversations: Record<string, readonly (readonly ScriptedTurn[])[]> = HAPPY;
  const names = Object.keys(conversations);
  return (request) => {
    const name = names.find((candidate) => promptText(candidate) === request.systemText.trim()) ?? '';
    const turn = conversations[name]?.[0]?.[request.position];
    if (turn === undefined) throw new Error(`no script for ${name}, turn ${request.position + 1}`);
    const made = typeof turn === 'function' ? turn(request) : turn;
    return 'blocks' in made ? made : reply(made);
  };
}

interface Manifest {
  readonly contributes: { readonly configuration: readonly { readonly properties: object }[] };
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}
