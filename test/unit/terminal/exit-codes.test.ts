import assert from 'node:assert/strict';
import { SourcewrightError, type ErrorCode } from '../../../src/errors.ts';
import { RunStatus } from '../../../src/pipeline/contracts.ts';
import { exitCodeOf, exitCodeOfError } from '../../../src/terminal/exit-codes.ts';
import { runView } from './views.ts';

describe('terminal: exit codes', () => {
  it('says how a run stands', () => {
    const codes = Object.fromEntries(
      RunStatus.options.map((status) => [status, exitCodeOf(runView({ status }))]),
    );
    assert.deepEqual(codes, {
      published: 0,
      finished: 0,
      failed: 1,
      cancelled: 1,
      waiting: 3,
      paused: 4,
      running: 4,
    });
    const error = { code: 'input', message: 'no', cure: null };
    assert.equal(exitCodeOf(runView({ status: 'failed', error })), 2);
  });

  it('says what kind of error ended a command', () => {
    const codes: Record<ErrorCode, number> = {
      input: 2,
      remote: 2,
      environment: 4,
      credentials: 4,
      budget: 4,
      locked: 4,
      cancelled: 1,
      corrupt: 1,
      model: 1,
      internal: 1,
    };
    for (const [code, exit] of Object.entries(codes)) {
      assert.equal(exitCodeOfError(new SourcewrightError(code as ErrorCode, 'x')), exit, code);
    }
  });
});
