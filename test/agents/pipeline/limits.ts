/** A connector with four mistakes, of which each fix of the agent mends one and makes the next one fail its test. */
import type { CompiledFile } from '../../../src/blueprint/compiler/compile.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { tool } from '../loopback/index.ts';
import { written } from './harbour.ts';
import type { Conversations, ScriptedTurn } from './support.ts';

const STEP = (n: number): string => `"""Which mistake is in."""\n\nMISTAKE = ${n}\n`;
const TESTS = `"""Each test fails with one mistake."""

import pytest

from src.mistake import MISTAKE


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_mistake(number: int) -> None:
    """The mistake is not in."""
    assert number != MISTAKE
`;

export const LimitsOf = {
  connector: (): CompiledFile[] =>
    miniConnector({ 'src/mistake.py': STEP(1), 'tests/test_mistake.py': TESTS }),
  code: (base: Conversations, verdict: ScriptedTurn): Conversations => ({
    ...base,
    diagnose: [[verdict], [verdict], [verdict], [verdict]],
    'generate-fix': [1, 2, 3].map((n) => [
      tool('edit', {
        file_path: 'src/mistake.py',
        old_string: `MISTAKE = ${n}`,
        new_string: `MISTAKE = ${n + 1}`,
      }),
      (request) => written(request),
    ]),
  }),
};
