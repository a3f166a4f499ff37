import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { access, extension } from './helpers.ts';

interface Contributes {
  commands: { command: string; title: string; category?: string }[];
  menus: Record<string, { command: string; when?: string; group?: string }[]>;
  views: Record<string, { id: string; icon?: string }[]>;
  viewsContainers: { activitybar: { id: string; icon: string }[] };
  configuration: { properties: Record<string, { scope?: string; default?: unknown }> }[];
}

const manifest = (): {
  contributes: Contributes;
  icon: string;
  extensionKind: string[];
  capabilities: {
    untrustedWorkspaces: { supported: unknown; restrictedConfigurations: string[] };
    virtualWorkspaces: { supported: unknown };
  };
} => extension().packageJSON as never;

/** What it takes to load the code anew: the editor's own first load can't be watched from inside. */
function loadingMs(): number {
  const path = join(extension().extensionPath, 'dist', 'extension.cjs');
  const load = createRequire(path);
  const loaded = load.cache[path];
  Reflect.deleteProperty(load.cache, path);
  const begun = performance.now();
  load(path);
  const ms = performance.now() - begun;
  if (loaded !== undefined) load.cache[path] = loaded;
  return ms;
}

describe('the extension', () => {
  it('activates within a quarter of a second, without its engine', async function () {
    const { activationMs } = await access();
    const title = `: ${activationMs.toFixed(1)} ms, and ${loadingMs().toFixed(1)} ms to load its code`;
    if (this.test !== undefined) this.test.title += title;
    assert.ok(extension().isActive);
    assert.ok(activationMs < 250, `activation took ${activationMs} ms`);
    const engine = Object.keys(require.cache).filter((path) => path.endsWith('engine.cjs'));
    assert.deepEqual(engine, [], 'the heavy bundle was loaded by activation alone');
  });

  it('registers every command that its manifest names', async () => {
    await access();
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = manifest().contributes.commands.filter(({ command }) => !known.has(command));
    assert.deepEqual(missing, []);
  });

  it('offers Generate Connector in the category Sourcewright', () => {
    const command = manifest().contributes.commands.find(
      (candidate) => candidate.command === 'sourcewright.generateConnector',
    );
    assert.equal(command?.title, 'Generate Connector');
    assert.equal(command.category, 'Sourcewright');
  });

  it('names only commands of its own in menus, and files that exist', () => {
    const { contributes, icon } = manifest();
    const commands = new Set(contributes.commands.map(({ command }) => command));
    const used = Object.values(contributes.menus).flat();
    assert.deepEqual(
      used.filter(({ command }) => !commands.has(command)),
      [],
    );
    const files = [
      icon,
      ...contributes.viewsContainers.activitybar.map((container) => container.icon),
      ...Object.values(contributes.views)
        .flat()
        .flatMap((view) => (view.icon === undefined ? [] : [view.icon])),
    ];
    const root = extension().extensionPath;
    assert.deepEqual(
      files.filter((file) => !existsSync(join(root, file))),
      [],
    );
  });

  it('reaches every command from the palette but those that need an item', () => {
    const { contributes } = manifest();
    const hidden = (contributes.menus['commandPalette'] ?? []).filter(({ when }) => when === 'false');
    assert.deepEqual(hidden.map(({ command }) => command).sort(), [
      'sourcewright.openArtifactSource',
      'sourcewright.replyToFinding',
      'sourcewright.revealFinding',
      'sourcewright.selectRun',
    ]);
  });

  it('lets no workspace widen what the extension may do', () => {
    const settings = Object.assign(
      {},
      ...manifest().contributes.configuration.map((part) => part.properties),
    ) as Record<string, { scope?: string }>;
    const { capabilities, extensionKind } = manifest();
    for (const [name, { scope }] of Object.entries(settings)) {
      if (/\.(gates|limits|snapshots)\.|pythonPath|packages\.allowed|tests\.isolation/.test(name))
        assert.equal(scope, 'machine', name);
      // What costs money or chooses where data goes; what else a workspace can set, it can't while it is not trusted.
      else if (/\.(engine$|agents\.)/.test(name)) assert.equal(scope, 'application', name);
      else assert.ok(capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name), name);
    }
    assert.equal(capabilities.untrustedWorkspaces.supported, 'limited');
    assert.equal(capabilities.virtualWorkspaces.supported, false);
    assert.deepEqual(extensionKind, ['workspace']);
  });

  it('shows an empty pipeline and no runs before the first', async () => {
    const { pipelineTree, runsTree } = await access();
    assert.deepEqual(await pipelineTree.getChildren(), []);
    assert.deepEqual(runsTree.getChildren(), []);
  });
});
