/** How long first messages are for descriptions of many sizes: those that development dependencies ship, and a corpus. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Given } from '../../src/agents/contracts.ts';
import { firstBlocks } from '../../src/agents/request.ts';
import { researchDescription } from '../../src/openapi/research.ts';
import { openQuestions } from '../../src/stages/research/agent/described-text.ts';
import { researchGiven } from '../../src/stages/research/agent/given.ts';
import { blueprintSummary } from '../../src/stages/review/blueprint-summary.ts';
import { tokensOf } from '../agents/loopback/prompt.ts';
import { number, table, times } from './agents-counts.ts';

const modules = join(import.meta.dirname, '../../node_modules');
const SHIPPED = [
  '@readme/oas-examples/3.0/json/uspto.json',
  '@readme/oas-examples/3.0/json/star-trek.json',
  '@figma/rest-api-spec/openapi/openapi.yaml',
  '@readme/oas-examples/3.1/json/readme.json',
].map((path) => join(modules, path));

function corpus(folder = process.env['SOURCEWRIGHT_CORPUS']): string[] {
  if (folder === undefined || !existsSync(folder)) return [];
  return readdirSync(folder).flatMap((api) =>
    ['openapi.json', 'openapi.yaml', 'openapi.yml']
      .map((name) => join(folder, api, name))
      .filter((path) => existsSync(path)),
  );
}

function tokens(given: readonly Given[]): number {
  return firstBlocks(given, (text) => text).reduce((total, block) => total + tokensOf(block), 0);
}

async function row(path: string): Promise<string[]> {
  const blueprint = await researchDescription(path, {});
  const given = researchGiven({
    request: { source: { kind: 'description', location: path } },
    base: blueprint,
    shown: blueprint,
    missing: undefined,
    corrections: [],
    known: { claims: [], streams: [], api: null },
    struck: [],
    words: undefined,
    from: undefined,
  });
  const summary = blueprintSummary({ schemaVersion: 1, blueprint, probes: [] });
  const whole = tokensOf(readFileSync(path, 'utf8'));
  const research = tokens(given);
  const others = tokens([{ title: 'The API and its connector', text: summary, stable: true }]);
  const streams = blueprint.streams.filter((stream) => stream.selected).length;
  const name = basename(path).startsWith('openapi.') ? basename(dirname(path)) : basename(path);
  return [
    name === 'openapi' ? 'figma' : name,
    ...[streams, openQuestions(blueprint).length, whole, research].map(number),
    times(research, whole),
    number(others),
    times(others, whole),
  ];
}

/** The table, counted as the loopback server counts; nothing is sent for it. */
export async function firstMessages(also: readonly string[]): Promise<string> {
  const rows = [];
  for (const path of [...also, ...SHIPPED, ...corpus()]) rows.push(await row(path));
  const head = ['description', 'streams', 'questions', 'its tokens', 'research', 'less by'];
  return table([...head, 'other stages', 'less by'], rows);
}
