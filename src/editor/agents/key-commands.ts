/** The commands of the API key, and the step that asks for it. What they say never holds the key. */
import { commands, ProgressLocation, window } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import { inputStep, type Leave, type StepFrame } from '../generate/quick-steps.ts';
import { runName, unlinked } from '../present.ts';
import type { RunService } from '../run-service.ts';
import { readAgentSettings } from '../settings.ts';
import { type ApiKey, notAKey } from './api-key.ts';
import { keyProblem } from './key-form.ts';
import { modelsMissing, tested, type KeyTest } from './key-words.ts';
import { t, text } from '../l10n.ts';

export interface KeyServices {
  readonly runs: RunService;
  readonly key: ApiKey;
}

const UNTESTED = text('The Anthropic API key is saved; it was not tested.');
const ANOTHER_KEY = 'Copy the key anew, whole, or make another one in the Anthropic Console.';
/** A server that doesn't answer is not waited for longer. */
const TEST_MS = 30_000;

/**
 * Asks for the key, tests and saves it. A key that is refused is not saved; one that can't be tested may be.
 * @returns words for the person about what was saved, or how they left
 */
export function askForKey(services: KeyServices, frame: StepFrame): Promise<string | Leave> {
  const { key } = services;
  return inputStep<string>({
    ...frame,
    prompt: t(
      'Paste an Anthropic API key. Enter tests it (which costs nothing) and keeps it in the editor’s secret storage.',
    ),
    placeholder: 'sk-ant-…',
    password: true,
    validate: keyProblem,
    accept: async (text, signal) => {
      const words = tested(await testKey(services, text, signal));
      await key.set(text);
      return words;
    },
    otherwise: {
      icon: 'debug-step-over',
      tooltip: t('Save Without Testing'),
      accept: async (text) => {
        await key.set(text);
        return t(UNTESTED);
      },
    },
  });
}

/** The key handed over by a test or another extension: then nothing is asked. */
export interface GivenKey {
  readonly key: string;
  /** False saves it as it is. */
  readonly test?: boolean;
}

/** @param given a `GivenKey`; menus and the status bar hand over other things, which are passed over */
export async function setApiKey(services: KeyServices, given?: unknown): Promise<boolean> {
  const words = isGivenKey(given)
    ? await saveGiven(services, given)
    : await askForKey(services, { title: t('Set Anthropic API Key'), back: false });
  if (typeof words !== 'string') return false;
  void offerToResume(services, words);
  return true;
}

function isGivenKey(given: unknown): given is GivenKey {
  return typeof given === 'object' && given !== null && 'key' in given && typeof given.key === 'string';
}

async function saveGiven(services: KeyServices, { key, test }: GivenKey): Promise<string> {
  const problem = keyProblem(key);
  if (problem !== undefined) throw notAKey(problem);
  const words = test === false ? t(UNTESTED) : tested(await testKey(services, key.trim()));
  await services.key.set(key);
  return words;
}

/** One notification: what is known of the key, and a way on for a run that waits for one. */
async function offerToResume({ runs }: KeyServices, words: string): Promise<void> {
  const stopped = runs
    .entries()
    .find(({ view, access }) => access !== 'locked' && view.pause?.cause === 'credentials');
  if (stopped === undefined) {
    void window.showInformationMessage(unlinked(words));
    return;
  }
  const resume = t('Resume {0}', runName(stopped.view));
  const chosen = await window.showInformationMessage(unlinked(words), resume);
  if (chosen === resume) await commands.executeCommand('sourcewright.resume', stopped.view.runId);
}

export async function testApiKey(services: KeyServices): Promise<void> {
  const apiKey = await services.key.get();
  if (apiKey === undefined) throw noKey();
  const found = await window.withProgress(
    { location: ProgressLocation.Window, title: t('Sourcewright: testing the API key') },
    () => testKey(services, apiKey),
  );
  void window.showInformationMessage(unlinked(tested(found)));
}

export async function removeApiKey({ key }: KeyServices): Promise<void> {
  if (!(await key.isSet())) throw noKey();
  await key.remove();
  void window.showInformationMessage(t('The Anthropic API key is removed from the editor’s secret storage.'));
}

/** Throws `credentials` where the key is refused, `remote` where nothing answers. */
async function testKey({ runs }: KeyServices, apiKey: string, signal?: AbortSignal): Promise<KeyTest> {
  const { baseUrl, models: chosen } = readAgentSettings();
  const engine = await runs.engine();
  const limit = AbortSignal.timeout(TEST_MS);
  try {
    const { models, warning } = await engine.testKey({
      apiKey,
      baseUrl,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    const wanted = await engine.modelsOf(chosen);
    return { models, warning, missing: modelsMissing(wanted, models), baseUrl };
  } catch (error) {
    if (error instanceof SourcewrightError && error.code === 'credentials') {
      const { message, where } = error;
      throw new SourcewrightError('credentials', message, { where, cure: ANOTHER_KEY });
    }
    if (!limit.aborted || signal?.aborted === true) throw error;
    throw new SourcewrightError('remote', `The API has not answered within ${TEST_MS / 1000} seconds.`, {
      where: baseUrl,
      cure: 'Check the network and the setting sourcewright.agents.baseUrl, then try again.',
      retry: true,
    });
  }
}

function noKey(): SourcewrightError {
  return new SourcewrightError('input', 'No Anthropic API key is set.', {
    cure: 'Run "Sourcewright: Set Anthropic API Key" first.',
  });
}
