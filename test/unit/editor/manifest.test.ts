/** The manifest against the code: settings for every limit, gate and model, commands with icons, steps that end. */
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_MODELS } from '../../../src/agents/cost/models.ts';
import {
  AgentOptions,
  DEFAULT_MUTANTS,
  GateName,
  Limits,
  StageName,
} from '../../../src/pipeline/contracts.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const json = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

interface Setting {
  readonly type: string;
  readonly scope: string;
  readonly default: unknown;
  readonly description?: string;
  readonly markdownDescription?: string;
  readonly properties?: Record<string, { readonly description: string }>;
}
interface Step {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly media: { readonly markdown?: string; readonly svg?: string; readonly altText?: string };
  readonly completionEvents: readonly string[];
}
interface Manifest {
  readonly publisher: string;
  readonly name: string;
  readonly contributes: {
    readonly commands: readonly {
      readonly command: string;
      readonly category: string;
      readonly icon?: string;
    }[];
    readonly menus: Record<string, readonly { readonly command: string; readonly when?: string }[]>;
    readonly viewsWelcome: readonly { readonly contents: string }[];
    readonly walkthroughs: readonly { readonly id: string; readonly steps: readonly Step[] }[];
    readonly configuration: readonly { readonly properties: Record<string, Setting> }[];
  };
}
const RAW = json('package.json');
const TEXTS = json('package.nls.json') as Record<string, string>;
const keyOf = (text: string): string | undefined => /^%(.+)%$/.exec(text)?.[1];

/** The manifest as the editor reads it: each key replaced by its text. */
function localized(value: unknown): unknown {
  if (typeof value === 'string') return TEXTS[keyOf(value) ?? ''] ?? value;
  if (Array.isArray(value)) return value.map(localized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, localized(one)]));
}

/** All strings, each with the name of the property that it or its list stands in. */
function stringsIn(value: unknown, name = ''): { readonly name: string; readonly text: string }[] {
  if (typeof value === 'string') return [{ name, text: value }];
  if (Array.isArray(value)) return value.flatMap((one) => stringsIn(one, name));
  if (typeof value !== 'object' || value === null) return [];
  // What a tool takes is read by models, not by people.
  return Object.entries(value).flatMap(([key, one]) => (key === 'inputSchema' ? [] : stringsIn(one, key)));
}

const MANIFEST = localized(RAW) as Manifest;
const { contributes } = MANIFEST;
const settings = Object.assign(
  {},
  ...contributes.configuration.map(({ properties }) => properties),
) as Record<string, Setting>;
const commands = new Set(contributes.commands.map(({ command }) => command));

describe('the manifest', () => {
  it('has a text for every key, and no key that is not used', () => {
    const used = stringsIn(RAW).flatMap(({ text }) => keyOf(text) ?? []);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(TEXTS).sort());
    for (const [key, text] of Object.entries(TEXTS)) assert.ok(text.trim() !== '', key);
  });

  it('has no words for people beside its keys', () => {
    const forPeople =
      /^(title|shortTitle|category|label|description|markdownDescription|enumDescriptions|enumItemLabels|patternErrorMessage|contextualTitle|contents|altText|displayName)$/;
    const { contributes: raw, capabilities } = RAW as { contributes: unknown; capabilities: unknown };
    const left = stringsIn([raw, capabilities]).filter(
      ({ name, text }) => forPeople.test(name) && keyOf(text) === undefined,
    );
    assert.deepEqual(left, []);
    const views = stringsIn((raw as { views: unknown }).views).filter(({ name }) => name === 'name');
    assert.ok(views.length > 0 && views.every(({ text }) => keyOf(text) !== undefined));
  });

  it('has a setting for every limit, with the default of the code', () => {
    const defaults = { ...Limits.parse({}), mutants: DEFAULT_MUTANTS, conformance: true };
    assert.deepEqual(Object.keys(Limits.shape).sort(), Object.keys(defaults).sort());
    for (const [name, value] of Object.entries(defaults)) {
      const setting = settings[`sourcewright.limits.${name}`];
      assert.equal(setting?.default, value, name);
      assert.equal(setting.scope, 'machine', name);
    }
  });

  it('has a setting for every gate and cap, which no workspace can set', () => {
    for (const gate of GateName.options) {
      assert.equal(settings[`sourcewright.gates.${gate}`]?.scope, 'machine', gate);
    }
    assert.equal(settings['sourcewright.agents.budget']?.default, AgentOptions.parse({}).budgetUsd);
    for (const [name, { scope }] of Object.entries(settings)) {
      if (/\.(agents\.|engine$)/.test(name)) assert.equal(scope, 'application', name);
    }
  });

  it('names the model of every stage as it is', () => {
    const { properties = {} } = settings['sourcewright.agents.models'] ?? {};
    assert.deepEqual(Object.keys(properties), StageName.options);
    for (const stage of StageName.options) {
      assert.ok(properties[stage]?.description.includes(`Default: ${DEFAULT_MODELS[stage]}.`), stage);
    }
  });

  it('describes every setting', () => {
    for (const [name, setting] of Object.entries(settings)) {
      const words = setting.description ?? setting.markdownDescription ?? '';
      assert.match(words, /^[A-Z`].{20,}[.)`]$/s, name);
    }
  });

  it('gives every command a category and an icon', () => {
    for (const { command, category, icon = '' } of contributes.commands) {
      assert.equal(category, 'Sourcewright', command);
      assert.match(icon, /^\$\([a-z-]+\)$/, command);
    }
  });

  it('leads only to commands that exist, from menus, empty views and first steps', () => {
    const texts = [
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description)),
    ];
    const linked = texts.flatMap((text) =>
      [...text.matchAll(/command:(sourcewright\.\w+)/g)].map(([, id]) => id),
    );
    const inMenus = Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command));
    for (const command of [...linked, ...inMenus]) assert.ok(commands.has(command ?? ''), command);
    assert.ok(linked.length >= 8, String(linked.length));
  });

  it('has first steps that can be done, each with a picture or words of its own', () => {
    const [walkthrough] = contributes.walkthroughs;
    assert.equal(walkthrough?.id, 'firstSteps');
    assert.deepEqual(
      walkthrough.steps.map(({ id }) => id),
      ['generate', 'brief', 'watch', 'finding', 'publish', 'key'],
    );
    for (const { id, media, completionEvents } of walkthrough.steps) {
      const file = media.markdown ?? media.svg;
      assert.ok(file !== undefined && existsSync(join(ROOT, file)), id);
      if (media.svg !== undefined) assert.match(media.altText ?? '', /\w{3,}/, id);
      assert.ok(completionEvents.length > 0, id);
      for (const event of completionEvents) {
        const [, kind, of = ''] = /^(onCommand|onContext|onView):(sourcewright\..+)$/.exec(event) ?? [];
        assert.ok(kind, event);
        if (kind === 'onCommand') assert.ok(commands.has(of), event);
      }
    }
    const source = readFileSync(join(ROOT, 'src', 'editor', 'commands.ts'), 'utf8');
    assert.ok(source.includes(`'${MANIFEST.publisher}.${MANIFEST.name}#firstSteps'`));
  });
});
