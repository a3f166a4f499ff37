/** The connector in miniature of whole runs: its texts, planted mistakes, and what agents say about them. */
import type { CompiledFile } from '../../../src/blueprint/compiler/compile.ts';
import type { PipelineRun } from '../../../src/pipeline/contracts.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { json, tool } from '../loopback/index.ts';
import { approve, research, words, worthIt, written } from './harbour.ts';
import type { Conversations, ScriptedTurn } from './support.ts';

export const SOUND = miniConnector();
const textOf = (path: string): string => SOUND.find((file) => file.path === path)?.content ?? '';
export const CODE = textOf('src/tides.py');
export const TESTS = textOf('tests/test_tides.py');
/** Noon is not low water any more: two tests fail. */
export const BAD_CODE = CODE.replace('return 1.5 +', 'return 1.7 +');
export const BAD_TESTS = TESTS.replace('assert height(noon) == 1.5', 'assert height(noon) == 9.5');

/** All agents that are asked where rules leave nothing to write; tests put the others beside them. */
export const WELL_BEHAVED: Conversations = {
  research: [research({ beyond: [] })],
  'diagnose-pass': [worthIt],
  review: [approve],
  publish: [words],
};

/** The Test Reviewer blames one side, for all tests that it was shown. */
export const blame =
  (fault: 'code' | 'tests' | 'environment', cure: string | null = null): ScriptedTurn =>
  (request) => {
    const tests = [...new Set(request.userText.match(/tests\/[\w/]+\.py(?:::[\w:[\]-]+)?/g) ?? [])];
    const shown = [...request.userText.matchAll(/^### (\S+).*: (?:failed|error)$/gm)].map(([, id]) => id);
    const evidence = (shown.length > 0 ? shown : tests).map((test) => ({
      test,
      fault,
      because: 'So it is.',
    }));
    return json({ verdict: fault, explanation: `It is the ${fault}.`, cure, evidence });
  };

const edit = (file_path: string, old_string: string, new_string: string): ReturnType<typeof tool> =>
  tool('edit', { file_path, old_string, new_string });
const edited = (path: string, from: string, to: string): ScriptedTurn[] => [
  edit(path, from, to),
  (request) => written(request),
];
export const editCode = (from: string, to: string): ScriptedTurn[] => edited('src/tides.py', from, to);
export const editTests = (from: string, to: string): ScriptedTurn[] =>
  edited('tests/test_tides.py', from, to);

/** The line of a text that holds a part, counted from 1. */
export function lineOf(text: string, part: string): number {
  return text.split('\n').findIndex((line) => line.includes(part)) + 1;
}

/** What a reviewer may find, with an exact suggestion. */
export function finding(changes: object = {}): object {
  const place = lineOf(CODE, 'if hour < 0:');
  return {
    file: 'src/tides.py',
    startLine: place,
    endLine: place,
    severity: 'warning',
    category: 'correctness',
    message: 'Hours above 23 are taken as well.',
    before: '    if hour < 0:',
    after: '    if hour < 0 or hour > 10_000:',
    ...changes,
  };
}
export const needsWork = (...findings: object[]): ScriptedTurn =>
  json({ decision: 'needs_work', question: null, findings });
export const needsResearch = (question: string): ScriptedTurn =>
  json({ decision: 'needs_research', question, findings: [] });

export async function acceptAll(run: PipelineRun): Promise<void> {
  for (const { id, severity } of (await run.findings())?.findings ?? []) {
    if (severity !== 'info') await run.answer({ finding: id, answer: 'accepted' });
  }
}

const MISTAKE = (n: number): string => `"""Which mistake is in."""\n\nMISTAKE = ${n}\n`;
const EACH_FAILS = `"""Each test fails with one mistake."""

import pytest

from src.mistake import MISTAKE


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_mistake(number: int) -> None:
    """The mistake is not in."""
    assert number != MISTAKE
`;

/** A connector of which each fix mends one test and lets the next one fail. */
export function hydra(): CompiledFile[] {
  return miniConnector({ 'src/mistake.py': MISTAKE(1), 'tests/test_mistake.py': EACH_FAILS });
}
/** Three fixes of the code, each of which lets another test fail. */
export const CODE_FIXES = [1, 2, 3].map((n) =>
  edited('src/mistake.py', `MISTAKE = ${n}`, `MISTAKE = ${n + 1}`),
);
/** Three fixes of the tests, after each of which another one fails. */
export const TEST_FIXES = ['', ' + 1', ' + 2'].map((before, n) =>
  edited('tests/test_mistake.py', `number != MISTAKE${before}\n`, `number != MISTAKE + ${n + 1}\n`),
);
