/** The person's Anthropic API key: kept in the editor's secret storage, handed to the runtime, and nowhere else. */
import { commands, type Disposable, type SecretStorage } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import { DisposableStore } from '../disposables.ts';
import { keyProblem } from './key-form.ts';

const SECRET = 'sourcewright.anthropicApiKey';

export class ApiKey implements Disposable {
  readonly #secrets: SecretStorage;
  readonly #owned = new DisposableStore();

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
    // Also fired when another window sets or removes it.
    this.#owned.add(
      secrets.onDidChange(({ key }) => {
        if (key === SECRET) void this.#show();
      }),
    );
    void this.#show();
    // Until the extension has looked, the palette offers to test and remove a key that there may be.
    void commands.executeCommand('setContext', 'sourcewright.active', true);
  }

  /** For the runtime, each time that it needs the key. */
  readonly get = async (): Promise<string | undefined> => {
    const key = await this.#secrets.get(SECRET);
    return key === undefined || key === '' ? undefined : key;
  };

  async isSet(): Promise<boolean> {
    return (await this.get()) !== undefined;
  }

  /** Throws `input` for what can't be a key; the message does not repeat it. */
  async set(key: string): Promise<void> {
    const problem = keyProblem(key);
    if (problem !== undefined) throw notAKey(problem);
    await this.#secrets.store(SECRET, key.trim());
  }

  async remove(): Promise<void> {
    await this.#secrets.delete(SECRET);
  }

  /** Throws `credentials`, with the ways out, where agents are wanted and no key is set. */
  async require(): Promise<string> {
    const key = await this.get();
    if (key !== undefined) return key;
    throw new SourcewrightError('credentials', 'Agents need an Anthropic API key, and none is set.', {
      cure: 'Run "Sourcewright: Set Anthropic API Key", or choose the engine Rules, which needs none.',
    });
  }

  async #show(): Promise<void> {
    const isSet = await this.isSet();
    await commands.executeCommand('setContext', 'sourcewright.hasKey', isSet);
  }

  dispose(): void {
    this.#owned.dispose();
  }
}

export function notAKey(problem: string): SourcewrightError {
  return new SourcewrightError('input', `That can't be an API key. ${problem}`, {
    cure: 'Copy it anew from the Anthropic Console, or from whoever runs your gateway.',
  });
}
