/** Shows what pytest said of a test in a run of the Test Explorer. */
import { isAbsolute, join } from 'node:path';
import {
  Location,
  Position,
  TestMessage,
  TestMessageStackFrame,
  Uri,
  type TestItem,
  type TestRun,
} from 'vscode';
import type { TestCase } from '../../pipeline/contracts.ts';
import { coloured, harmless } from '../../terminal/harmless.ts';
import type { EngineModule } from '../run-dependencies.ts';
import type { ConnectorTests } from './connector-tests.ts';
import type { Frame } from './failure-text.ts';

/** Marks the case's item with its outcome. A case that has no item is passed over: its file is gone. */
export function showOutcome(
  run: TestRun,
  connector: ConnectorTests,
  entry: TestCase,
  reading: EngineModule['testReading'],
): void {
  const item = connector.itemOf(entry.id);
  if (item === undefined) return;
  switch (entry.outcome) {
    case 'passed':
      run.passed(item, entry.durationMs);
      return;
    case 'skipped':
      run.skipped(item);
      return;
    case 'failed':
    case 'error': {
      const message = messageOf(connector, item, entry, reading);
      appendText(run, `${entry.id}\n\n${entry.details ?? entry.message ?? ''}\n\n`, item);
      if (entry.outcome === 'failed') run.failed(item, message, entry.durationMs);
      else run.errored(item, message, entry.durationMs);
    }
  }
}

/** Adds text to a run's output, which is a terminal: lines end as there, and nothing of a test's own steers it. */
export function appendText(run: TestRun, text: string, item?: TestItem): void {
  run.appendOutput(coloured(text).replaceAll('\n', '\r\n'), undefined, item);
}

function messageOf(
  connector: ConnectorTests,
  item: TestItem,
  entry: TestCase,
  { readFailure, frameIn }: EngineModule['testReading'],
): TestMessage {
  const failure = readFailure(entry);
  const message = new TestMessage(harmless(failure.text));
  if (failure.expected !== undefined && failure.actual !== undefined) {
    message.expectedOutput = harmless(failure.expected);
    message.actualOutput = harmless(failure.actual);
  }
  const place = frameIn(failure, entry.file);
  if (place !== undefined) message.location = new Location(uriOf(connector, place), positionOf(place));
  else if (item.uri !== undefined && item.range !== undefined) {
    message.location = new Location(item.uri, item.range);
  }
  // One place is the message's own; more are a way into the connector's code.
  if (failure.frames.length > 1) {
    message.stackTrace = failure.frames.map(
      (frame) =>
        new TestMessageStackFrame(frame.label || frame.file, uriOf(connector, frame), positionOf(frame)),
    );
  }
  return message;
}

function uriOf({ connectorDir }: ConnectorTests, { file }: Frame): Uri {
  return Uri.file(isAbsolute(file) ? file : join(connectorDir, file));
}

function positionOf({ line }: Frame): Position {
  return new Position(Math.max(line - 1, 0), 0);
}
