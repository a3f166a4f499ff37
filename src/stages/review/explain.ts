/** What a rule checks and why, for a person who asks: ruff's own words for its rules, ours for everything else. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Finding, StageContext } from '../../pipeline/contracts.ts';
import type { ToolResult } from '../../python/tools.ts';
import type { FindingDraft } from '../findings.ts';

/** `rules.json`: the explanations of ruff's rules that a review has findings of, in the version that found them. */
export const RULES_FILE = 'rules.json';
export const RuleTexts = z.object({ schemaVersion: z.literal(1), rules: z.record(z.string(), z.string()) });
export type RuleTexts = z.infer<typeof RuleTexts>;

/** Rules that are only planned have no code yet. */
const RuffRules = z.array(
  z.object({ code: z.string().nullable(), name: z.string(), explanation: z.string() }),
);
const MAX_TEXT = 1500;
/** Sections of ruff's explanations that say what and why; the others are examples, options and references. */
const SECTION = /^## (What it does|Why is this bad\?|Known problems)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm;

/** The sections that say what is checked and why, without code, links and headings. */
export function whatAndWhy(explanation: string): string {
  const parts = [...explanation.replaceAll('\r\n', '\n').matchAll(SECTION)].map(([, , body = '']) =>
    body
      .replace(/^```[\s\S]*?^```$/gm, '')
      .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
      .replace(/([^\n])\n(?=[^\n])/g, '$1 ')
      .replace(/\n{2,}/g, '\n\n')
      .trim(),
  );
  return short(parts.filter((part) => part !== '').join('\n\n'));
}

function short(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).trimEnd()}…`;
}

/** Keeps ruff's explanations beside the review. Without them a review is as good: what can't be read is left out. */
export async function keepRuleTexts(
  context: StageContext,
  drafts: readonly FindingDraft[],
  run: (args: readonly string[]) => Promise<ToolResult>,
): Promise<void> {
  const wanted = new Set(drafts.filter(({ source }) => source === 'ruff').map(({ rule }) => rule));
  if (wanted.size === 0) return;
  const { exitCode, stdout } = await run(['-m', 'ruff', 'rule', '--all', '--output-format=json']);
  const parsed = exitCode === 0 ? RuffRules.safeParse(json(stdout)).data : undefined;
  const rules = (parsed ?? []).flatMap(({ code, name, explanation }) =>
    code !== null && wanted.has(code) ? [[code, `${name}: ${whatAndWhy(explanation)}`] as const] : [],
  );
  if (rules.length === 0) return;
  const content: RuleTexts = { schemaVersion: 1, rules: Object.fromEntries(rules) };
  await context.writeArtifact(RULES_FILE, content);
}

/** The explanations that a review has kept; undefined where there are none, or none that can be read. */
export async function readRuleTexts(runDir: string): Promise<RuleTexts | undefined> {
  const text = await readFile(join(runDir, RULES_FILE), 'utf8').catch(() => '');
  return RuleTexts.safeParse(json(text)).data;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Our own rules: what each looks for, and what goes wrong without it. */
const OWN: Readonly<Record<string, string>> = {
  'blanket-ignore':
    'A bare "type: ignore" also hides type errors that nobody has seen yet. Named in brackets, only the one that is meant is silenced.',
  'blanket-noqa':
    'A bare "noqa" also hides findings that nobody has seen yet. With its code, only the one that is meant is silenced.',
  'blocking-call':
    'A call that blocks inside of an async function stops every other request of the connector for as long as it lasts.',
  'bounded-number':
    'A number that makes a call larger needs an upper bound: a model or a typing error could otherwise ask for everything at once.',
  'described-field':
    'A model chooses arguments by their descriptions alone; without one it has to guess what the field is for.',
  exports:
    'Other programs import a connector by the names that its package exports; they break where these are missing.',
  'mocked-own-code':
    'A test that replaces the connector’s own code checks the replacement. What may be replaced is the network.',
  'module-size':
    'Long modules are hard to read, to review and to change. What belongs together can be a module.',
  'no-environment':
    'A connector is given its configuration. One that reads the environment behaves otherwise on each machine, and may pick up secrets that are not its own.',
  'no-extra': 'A name that is taken in silence is a typing error that nobody notices.',
  'no-pandas':
    'The connector is to be light: pandas is loaded by those who want data frames, not with every import.',
  'no-print':
    'The connector speaks its protocol on standard output. What is printed there breaks the message that a reader waits for.',
  'one-http-helper':
    'Retries, rate limits, time limits and redaction live in the client’s request helper. A call past it has none of them.',
  'opaque-token':
    'Providers change the form of their tokens at will. Code that judges one by its beginning refuses good ones then.',
  'raise-from':
    'A chained exception shows the one before it, which may hold the request with its key. "from None" cuts it off.',
  'real-sleep':
    'A test that really sleeps is slow and still fails now and then. Let the clock be given, or the wait be replaced.',
  secret:
    'The scan looks for strings with the shape of a real credential. One in a file is in every clone and every package; it has to be replaced at its provider, not only deleted.',
  'secret-shown': 'A secret that is put into a message ends up in logs and in error reports.',
  'secret-str':
    'As plain text a secret is shown by every print, log and traceback. SecretStr shows asterisks.',
  'swallowed-error':
    'A failed read that ends in silence looks like an empty one: data are missing and nobody is told.',
  syntax: 'The file is not valid Python: nothing in it can be run or checked.',
  'time-limit': 'A request without a time limit waits for ever when the other side goes quiet.',
  'typed-field': 'Any switches the checks off, by mypy and at run time alike: wrong values pass unnoticed.',
  unfinished: 'A part that is not written yet fails when somebody calls it.',
  'surviving-mutant':
    'A mistake was planted into this line, and all tests still passed: nothing checks what the line does.',
  'vacuous-test': 'A test that can’t fail says nothing, whatever the code does.',
  'integrity-edited-fixture': 'What tests compare with was changed: they may now agree with wrong code.',
  'integrity-hook': 'Such a hook can leave tests out or bend their outcome, so a pass would mean less.',
  'integrity-locked':
    'These files are locked while the other side is worked on, so that nobody judges their own work.',
  'integrity-removed-assert': 'A check is gone that was there before: the test passes more easily now.',
  'integrity-removed-file': 'A file of the tests is gone, and with it what it checked.',
  'integrity-removed-test': 'A test is gone that was there before, and with it what it checked.',
  'integrity-skip': 'A test that is skipped or expected to fail does not count, whatever the code does.',
};

const MYPY: Readonly<Record<string, string>> = {
  'arg-type': 'An argument has another type than the parameter says.',
  assignment: 'A value is put into a variable that was declared for another type.',
  'attr-defined': 'The object has no such attribute, as far as its type says.',
  'call-arg': 'The call has arguments that the function does not take, or lacks some that it needs.',
  'no-any-return': 'The function promises a type and returns something unchecked (Any).',
  'no-untyped-def': 'The function lacks types, so nothing in it or about its calls is checked.',
  'return-value': 'The function returns another type than it promises.',
  'union-attr': 'The value may be one of several types (often None), and one of them has no such attribute.',
};
const MYPY_WHY =
  'mypy checks in its strict mode, without running anything, whether values can have the types that the code says.';

/** What the rule of a finding checks and why, as plain text; always something. */
export function explanationOf(
  finding: Pick<Finding, 'rule' | 'source' | 'severity'>,
  texts: RuleTexts | undefined,
): string {
  const { rule, source, severity } = finding;
  const weight =
    severity === 'info'
      ? 'It is a note: it needs no answer.'
      : 'It counts as open until it is corrected or rejected.';
  const kept = texts?.rules[rule];
  return `${explained()} ${weight}`;

  function explained(): string {
    if (source === 'ruff')
      return `ruff’s rule ${rule}${kept === undefined ? ' found this.' : `, ${sentence(kept)}`}`;
    if (source === 'mypy') return [MYPY[rule.replace(/^mypy-/, '')], MYPY_WHY].filter(Boolean).join(' ');
    if (source === 'model') {
      return 'The reviewer, a model, wrote this after it had read the code. No rule stands behind it: judge it by its reasons.';
    }
    return `Our own rule ${rule}: ${sentence(OWN[rule] ?? 'it has no longer text than the finding’s.')}`;
  }
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
