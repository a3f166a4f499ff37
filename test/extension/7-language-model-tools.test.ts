/** The tools for agent mode: invoked through the editor as a model's requests are, on real runs. */
import { strict as assert } from 'node:assert';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { GenerateTool } from '../../src/editor/language-model-tools/generate-tool.ts';
import { access, extension, gate, generate, library, until, untrusted, viewOf } from './helpers.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const NAMES = ['sourcewright_generate', 'sourcewright_status', 'sourcewright_explainFinding'];
const token = (): vscode.CancellationToken => new vscode.CancellationTokenSource().token;

interface Declared {
  readonly name: string;
  readonly toolReferenceName: string;
  readonly modelDescription: string;
  readonly canBeReferencedInPrompt: boolean;
  readonly icon: string;
  readonly tags: readonly string[];
  readonly inputSchema: { readonly properties: Record<string, { readonly description?: string }> };
}

function textOf(result: vscode.LanguageModelToolResult | null | undefined): string {
  return (result?.content ?? [])
    .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
    .join('');
}

/** As agent mode does it, but for the chat around it. */
async function invoke(name: string, input: object): Promise<string> {
  return textOf(await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }, token()));
}

describe('the tools for language models', function () {
  this.timeout(300_000);
  restsOnTheLast();
  let runId = '';

  const generateTool = async (waitMs?: number): Promise<GenerateTool> =>
    (await access()).generateTool(waitMs);
  const call = async (tool: GenerateTool, input: object): Promise<string> =>
    textOf(await tool.invoke({ input, toolInvocationToken: undefined }, token()));

  it('are declared as they are registered, with a description of every field', async () => {
    await access();
    const { languageModelTools } = (
      extension().packageJSON as { contributes: { languageModelTools: Declared[] } }
    ).contributes;
    assert.deepEqual(
      languageModelTools.map(({ name }) => name),
      NAMES,
    );
    const known = new Map(vscode.lm.tools.map((tool) => [tool.name, tool]));
    for (const tool of languageModelTools) {
      assert.deepEqual(known.get(tool.name)?.inputSchema, tool.inputSchema);
      assert.equal(known.get(tool.name)?.description, tool.modelDescription);
      assert.ok(tool.canBeReferencedInPrompt && /^[A-Za-z]+$/.test(tool.toolReferenceName));
      assert.match(tool.icon, /^\$\(.+\)$/);
      assert.ok(tool.tags.includes('sourcewright'));
      for (const [name, { description }] of Object.entries(tool.inputSchema.properties)) {
        assert.ok((description ?? '').length > 20, `${tool.name}: ${name} has no description`);
      }
    }
  });

  it('say to a model what is wrong with its input', async () => {
    await assert.rejects(
      invoke('sourcewright_generate', { source: '../../etc/passwd.json' }),
      /no file .* in this workspace.*Correct the input/s,
    );
    await assert.rejects(invoke('sourcewright_status', { run: 'no-such-run' }), /no run/);
    const tool = await generateTool();
    await assert.rejects(call(tool, { source: library(), name: '../escape' }), /"name" can't be/);
    await assert.rejects(call(tool, { source: library(), gates: { publish: 'auto' } }), /no field "gates"/);
    await assert.rejects(
      call(tool, { source: 'https://example.invalid/x.json', engine: 'agents' }),
      /key.*never ask for it in the chat/s,
    );
  });

  it('generate nothing before the person has agreed, and say to what', async () => {
    const { runs } = await access();
    const before = runs.entries().length;
    const tool = await generateTool();
    const prepare = async (
      input: object,
    ): Promise<vscode.LanguageModelToolConfirmationMessages | undefined> =>
      (await tool.prepareInvocation({ input })).confirmationMessages;
    const words = async (input: object): Promise<string> => {
      const message = (await prepare(input))?.message;
      return message instanceof vscode.MarkdownString ? message.value : '';
    };
    const plain = await words({ source: 'library.openapi.yaml', name: 'by-a-model', engine: 'rules' });
    assert.match(plain, /`connectors\/source-by-a-model`/);
    assert.match(plain, /tests run on this machine/);
    assert.match(plain, /costs nothing/);
    const paid = await words({ source: 'https://example.invalid/openapi.json', engine: 'agents' });
    assert.match(paid, /it costs money\*\*, at most \$5\.00/);
    assert.equal(await prepare({ source: 'missing.yaml' }), undefined);
    await assert.rejects(
      untrusted(() => call(tool, { source: 'library.openapi.yaml' })),
      /not trusted.*Only the person can trust it/s,
    );
    assert.equal(runs.entries().length, before);
  });

  it('generate a connector and come back when the run waits for the person', async () => {
    const settings = vscode.workspace.getConfiguration('sourcewright');
    await settings.update('gates.research', 'ask', vscode.ConfigurationTarget.Global);
    try {
      // The editor asks the person; inside a suite it takes its dialogs for confirmed.
      const text = await invoke('sourcewright_generate', {
        source: 'library.openapi.yaml',
        name: 'by-a-model',
        engine: 'rules',
      });
      assert.match(text, /^Started\.\nRun \S+: source-by-a-model, engine rules\./);
      assert.match(text, /waiting at the gate "research".*Only the person can answer/);
      assert.match(text, /- Research: waiting \(attempt 1/);
      runId = /Run (\S+):/.exec(text)?.[1] ?? '';
      assert.equal((await viewOf(runId)).gate, 'research');
    } finally {
      await settings.update('gates.research', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('don’t wait longer than they may', async () => {
    const settings = vscode.workspace.getConfiguration('sourcewright');
    // Research by rules can be done before even one millisecond is noticed: the run must be busy for longer.
    await settings.update('gates.research', 'auto', vscode.ConfigurationTarget.Global);
    try {
      const tool = await generateTool(1);
      const text = await call(tool, { source: 'library.openapi.yaml', name: 'soon-back', engine: 'rules' });
      assert.match(text, /still being made; ask sourcewright_status/);
      const id = /Run (\S+):/.exec(text)?.[1] ?? '';
      await vscode.commands.executeCommand('sourcewright.cancelRun', id);
      await until('its end', async () => (await viewOf(id)).status === 'cancelled');
    } finally {
      await settings.update('gates.research', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('tell where a run stands, by id, by connector and without a word', async () => {
    const text = await invoke('sourcewright_status', { run: runId });
    assert.match(text, /waiting at the gate "research"/);
    assert.equal(await invoke('sourcewright_status', { run: 'source-by-a-model' }), text);
    const { runs } = await access();
    runs.select(runId);
    const all = await invoke('sourcewright_status', {});
    assert.ok(all.startsWith(text));
    assert.match(all, /Other runs:\n- \S+: source-soon-back, cancelled/);
    await assert.rejects(invoke('sourcewright_explainFinding', { run: runId }), /not been reviewed yet/);
    await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
  });

  it('explain a finding with its lines, where they stand now, and who answers it', async () => {
    const id = await generate({ name: 'to-explain', gates: { code: 'ask', review: 'ask' } });
    const { connectorDir } = await gate(id, 'code');
    await appendFile(join(connectorDir ?? '', 'src', 'utils.py'), '\n\nimport os\n');
    await vscode.commands.executeCommand('sourcewright.approve', id);
    await gate(id, 'review');
    const list = await invoke('sourcewright_explainFinding', { run: 'to-explain' });
    const [, finding = ''] = /- (\S+): \w+ (?:ruff:)?F401 at src\/utils\.py:\d+/.exec(list) ?? [];
    assert.notEqual(finding, '', list);
    const status = await invoke('sourcewright_status', { run: id });
    assert.match(status, new RegExp(`Findings without an answer: \\d+\\.[^]*${finding}`));
    const text = await invoke('sourcewright_explainFinding', { finding: finding.slice(0, 8), run: id });
    assert.match(text, /F401.*found by the linter ruff/);
    assert.match(text, /They still read so\./);
    assert.match(text, /```python\nimport os\n```/);
    assert.match(text, /No tool can answer it/);
    await vscode.commands.executeCommand('sourcewright.cancelRun', id);
    await assert.rejects(
      invoke('sourcewright_explainFinding', { run: id, finding: 'zzz' }),
      /no finding "zzz"/,
    );
  });
});
