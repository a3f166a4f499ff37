/**
 * What a workspace may decide: every setting with its scope and why. A setting that is not in this table fails here, so that
 * nobody adds one without having thought of a stranger's repository.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/**
 * `application` and `machine`: the person's own settings only, never a workspace's. `resource` and `machine-overridable`: a
 * workspace may set it too.
 */
type Scope = 'application' | 'machine' | 'machine-overridable' | 'resource';

const PERSONS: Readonly<Record<string, readonly [Scope, string]>> = {
  engine: ['application', 'agents cost money and send code to a model'],
  pythonPath: ['machine', 'names a program that is run'],
  'agents.budget': ['application', 'caps what is paid'],
  'agents.stageBudget': ['application', 'caps what is paid'],
  'agents.models': ['application', 'decides what a request costs'],
  'agents.prices': ['application', 'a budget is kept by them: too low a price would lift the cap'],
  'agents.baseUrl': ['application', 'the key and the code are sent there'],
  'agents.webDomains': ['application', 'where agents may go, and so where words may leave to'],
  'gates.research': ['machine', 'the say that a person has'],
  'gates.code': ['machine', 'the say that a person has, before code runs'],
  'gates.tests': ['machine', 'the say that a person has'],
  'gates.review': ['machine', 'the say that a person has'],
  'gates.draft': ['machine', 'the say that a person has, before open findings go out'],
  'gates.publish': ['machine', 'the say that a person has, before anything leaves the machine'],
  'packages.allowed': ['machine', 'what may be installed, whose code then runs'],
  'tests.isolation': ['machine', 'what foreign code can reach'],
  'limits.testFixes': ['machine', 'each repair may cost, and runs code'],
  'limits.codeFixes': ['machine', 'each repair may cost, and runs code'],
  'limits.reviewCycles': ['machine', 'each cycle may cost'],
  'limits.reResearch': ['machine', 'each one may cost'],
  'limits.mutants': ['machine', 'how well tests are judged, and for how long'],
  'limits.conformance': ['machine', 'what a connector is held to'],
  'snapshots.totalSize': ['machine', 'how much of the disk is taken, and how far back one can go'],
  'snapshots.fileSize': ['machine', 'how much of the disk is taken, and what can be brought back'],
};

/** What a workspace may set, and what keeps that harmless. In an untrusted workspace its value does not count either. */
const WORKSPACES: Readonly<Record<string, readonly [Scope, string]>> = {
  outputFolder: ['resource', 'a folder inside the workspace: one outside is refused'],
  'tests.timeLimit': ['machine-overridable', 'from ten seconds to an hour, whatever is set'],
};

interface Setting {
  readonly scope?: string;
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Manifest {
  readonly contributes: {
    readonly configuration: readonly { readonly properties: Record<string, Setting> }[];
  };
  readonly capabilities: {
    readonly untrustedWorkspaces: {
      readonly supported: unknown;
      readonly restrictedConfigurations: readonly string[];
    };
    readonly virtualWorkspaces: { readonly supported: unknown };
  };
}
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const SETTINGS = Object.assign(
  {},
  ...MANIFEST.contributes.configuration.map(({ properties }) => properties),
) as Record<string, Setting>;

const source = (...path: string[]): string => readFileSync(join(ROOT, 'src', ...path), 'utf8');

describe('settings and trust', () => {
  it('have a scope for each setting, with a reason for it', () => {
    const table = { ...PERSONS, ...WORKSPACES };
    const scopes = Object.entries(table).map(([name, [scope]]) => [`sourcewright.${name}`, scope]);
    const found = Object.entries(SETTINGS).map(([name, { scope }]) => [name, scope ?? 'window']);
    assert.deepEqual(found.sort(), scopes.sort());
  });

  it('let no workspace set what spends, runs a program, sends something away or decides for the person', () => {
    for (const name of Object.keys(PERSONS))
      assert.match(SETTINGS[`sourcewright.${name}`]?.scope ?? '', /^(application|machine)$/, name);
  });

  it('take nothing of an untrusted workspace', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = MANIFEST.capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    assert.equal(virtualWorkspaces.supported, false);
    assert.deepEqual(
      [...untrustedWorkspaces.restrictedConfigurations].sort(),
      Object.keys(WORKSPACES)
        .map((name) => `sourcewright.${name}`)
        .sort(),
    );
  });

  it('ask before anything goes out, as they come', () => {
    for (const gate of ['research', 'review', 'draft', 'publish'])
      assert.equal(SETTINGS[`sourcewright.gates.${gate}`]?.default, 'ask', gate);
    assert.equal(SETTINGS['sourcewright.engine']?.default, 'rules');
  });

  it('are read in one place, and by names that are in the table', () => {
    const text = source('editor', 'settings.ts');
    const named = [...text.matchAll(/get<[^>]*>\('([\w.]+)'|count\('(\w+)'|gate\('(\w+)'\)/g)].map(
      ([, plain, limit, gate]) => plain ?? (limit === undefined ? `gates.${gate ?? ''}` : `limits.${limit}`),
    );
    assert.ok(named.length >= 15, named.join());
    const table = { ...PERSONS, ...WORKSPACES };
    for (const name of named) assert.ok(name in table, name);
  });

  it('need trust for whatever runs code', () => {
    // Each way into a run, and each that does not go through one.
    const service = source('editor', 'run-service.ts');
    for (const method of ['async start(', 'async #open(', 'async runStage('])
      assert.match(service.split(method)[1] ?? '', /^[^{]*\{\s*requireTrust\(\);/, method);
    assert.match(
      source('editor', 'tests', 'test-runs.ts'),
      /async run\([^{]*\{\s*try \{\s*requireTrust\(\);/,
    );
    assert.match(source('editor', 'snapshots', 'snapshots.ts'), /requireTrust\(\)/);
    assert.match(
      source('editor', 'language-model-tools', 'generate-tool.ts'),
      /!workspace\.isTrusted\) throw/,
    );
  });
});

describe('the terminal program', () => {
  it('takes settings from its words and the environment, and from no file of the workspace', () => {
    const files = [
      'cli.ts',
      'terminal/session.ts',
      'terminal/agent-settings.ts',
      'terminal/request.ts',
      'terminal/new-run.ts',
    ];
    for (const file of files) {
      const text = source(...file.split('/'));
      const read = [...text.matchAll(/(?:readFile|readFileSync|readJson)\(\s*([^,;]*)/g)].map(
        ([, what]) => what,
      );
      // The one file that is read is the program's own manifest, for its version.
      assert.deepEqual(read, file === 'cli.ts' ? ['join(here'] : [], file);
      assert.doesNotMatch(text, /dotenv|loadEnvFile|cosmiconfig|\.sourcewrightrc/, file);
    }
  });
});
