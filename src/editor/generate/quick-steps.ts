/** Steps of a multi-step QuickInput: one number in the title, a back button, errors shown in place. */
import {
  QuickInputButtons,
  ThemeIcon,
  window,
  type Disposable,
  type InputBoxValidationMessage,
  type QuickInput,
  type QuickPickItem,
} from 'vscode';
import { asSourcewrightError } from '../../errors.ts';
import { withCure, unlinked } from '../present.ts';

export const BACK = Symbol('back');
export const CANCEL = Symbol('cancel');
/** What a step may end with beside its value. */
export type Leave = typeof BACK | typeof CANCEL;

export interface StepFrame {
  readonly title: string;
  /** Left out where a question stands alone. */
  readonly step?: number;
  readonly totalSteps?: number;
  /** Shown from the second step on. */
  readonly back: boolean;
}

export interface PickStep<T extends QuickPickItem, R> extends StepFrame {
  readonly placeholder: string;
  /** Given at once, or shown as they are found: each call replaces the list. */
  readonly items:
    readonly T[] | ((show: (items: readonly T[]) => void, signal: AbortSignal) => Promise<void>);
  readonly many?: boolean;
  readonly picked?: (item: T) => boolean;
  /** Accepted as soon as the list is shown: an answer that was given elsewhere, whose errors belong here. */
  readonly acceptAtOnce?: T | undefined;
  /** Turns the choice into the step's value; what it throws is shown in place and the step goes on. */
  readonly accept: (chosen: readonly T[], signal: AbortSignal) => Promise<R> | R;
}

const FAILURE = Symbol('failure');

/** A list to choose from. */
export function pickStep<T extends QuickPickItem, R>(options: PickStep<T, R>): Promise<R | Leave> {
  type Row = QuickPickItem & { readonly [FAILURE]?: true };
  const pick = window.createQuickPick<T | Row>();
  frame(pick, options);
  pick.placeholder = options.placeholder;
  pick.canSelectMany = options.many ?? false;
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  const { items } = options;
  const isItem = (row: T | Row): row is T => !(FAILURE in row);
  let rows: readonly T[] = [];
  let failure: readonly Row[] = [];
  const setItems = (): void => {
    pick.items = [...failure, ...rows];
  };

  return runStep<R>(pick, options.back, (finish, signal) => {
    if (typeof items === 'function') {
      pick.busy = true;
      void items((found) => {
        if (signal.aborted) return;
        // Whoever has moved down the list already stays where they are.
        const [active] = pick.activeItems;
        const moved = active !== undefined && active !== pick.items[0];
        rows = found;
        setItems();
        if (moved) pick.activeItems = rows.filter((row) => row.label === active.label).slice(0, 1);
      }, signal)
        .catch(() => undefined)
        .then(() => {
          if (!signal.aborted) pick.busy = false;
        });
    } else {
      rows = items;
      setItems();
      if (pick.canSelectMany) pick.selectedItems = rows.filter((item) => options.picked?.(item) ?? false);
      else pick.activeItems = rows.filter((item) => options.picked?.(item) ?? false).slice(0, 1);
    }
    const accept = (chosen: readonly T[]): void => {
      if (!pick.canSelectMany && chosen.length === 0) return;
      void attempt(pick, () => options.accept(chosen, signal)).then((outcome) => {
        if (signal.aborted) return;
        if ('value' in outcome) {
          finish(outcome.value);
          return;
        }
        const { message, cure } = outcome;
        const row: Row = {
          label: `$(error) ${message}`,
          ...(cure === '' ? {} : { detail: cure }),
          alwaysShow: true,
          [FAILURE]: true,
        };
        failure = [row];
        const selected = pick.selectedItems.filter(isItem);
        setItems();
        // The keyboard stands on what can be chosen, not on the message.
        pick.activeItems = rows
          .filter((row) => row === chosen[0] || row.label === chosen[0]?.label)
          .slice(0, 1);
        if (pick.canSelectMany) pick.selectedItems = selected;
      });
    };
    if (options.acceptAtOnce !== undefined) accept([options.acceptAtOnce]);
    return [
      pick.onDidAccept(() => {
        accept(pick.selectedItems.filter(isItem));
      }),
    ];
  });
}

export interface InputStep<R> extends StepFrame {
  readonly prompt: string;
  readonly placeholder?: string;
  readonly value?: string;
  /** Shows dots instead of what is typed. */
  readonly password?: boolean;
  /** Another way to take the text, as a button in the title. */
  readonly otherwise?: {
    readonly icon: string;
    readonly tooltip: string;
    readonly accept: (value: string, signal: AbortSignal) => Promise<R> | R;
  };
  /** Judges while the person types; undefined = fine. */
  readonly validate?: (value: string) => string | InputBoxValidationMessage | undefined;
  /** Turns the text into the step's value; what it throws is shown in place and the step goes on. */
  readonly accept: (value: string, signal: AbortSignal) => Promise<R> | R;
}

/** A line of text. */
export function inputStep<R>(options: InputStep<R>): Promise<R | Leave> {
  const input = window.createInputBox();
  frame(input, options);
  input.prompt = options.prompt;
  input.placeholder = options.placeholder ?? '';
  input.value = options.value ?? '';
  input.password = options.password ?? false;
  const { otherwise } = options;
  const other =
    otherwise === undefined
      ? undefined
      : { iconPath: new ThemeIcon(otherwise.icon), tooltip: otherwise.tooltip };
  const judge = (): string | InputBoxValidationMessage | undefined => options.validate?.(input.value.trim());
  const show = (): void => {
    input.validationMessage = input.value.trim() === '' ? undefined : judge();
  };
  show();

  if (other !== undefined) input.buttons = [other];
  return runStep<R>(input, options.back, (finish, signal) => {
    const take = (accept: InputStep<R>['accept']): void => {
      const problem = judge();
      input.validationMessage = problem;
      if (typeof problem === 'string') return;
      void attempt(input, () => accept(input.value.trim(), signal)).then((outcome) => {
        if (signal.aborted) return;
        if ('value' in outcome) finish(outcome.value);
        else input.validationMessage = withCure(outcome);
      });
    };
    return [
      input.onDidChangeValue(show),
      input.onDidAccept(() => {
        take(options.accept);
      }),
      input.onDidTriggerButton((button) => {
        if (button === other && otherwise !== undefined) take(otherwise.accept);
      }),
    ];
  });
}

function frame(input: QuickInput, { title, step, totalSteps }: StepFrame): void {
  input.title = title;
  if (step !== undefined) input.step = step;
  if (totalSteps !== undefined) input.totalSteps = totalSteps;
  // A look at another window or a file does not throw the answers away.
  input.ignoreFocusOut = true;
}

type QuickStep = QuickInput & {
  buttons: readonly unknown[];
  readonly onDidTriggerButton: (listener: (button: unknown) => void) => Disposable;
};

/** Shows the input until it is answered, left backwards or dismissed, then ends all that belonged to it. */
function runStep<R>(
  input: QuickInput,
  back: boolean,
  listen: (finish: (value: R) => void, signal: AbortSignal) => Disposable[],
): Promise<R | Leave> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const owned: Disposable[] = [];
    const leave = (value: R | Leave): void => {
      if (over.signal.aborted) return;
      over.abort();
      resolve(value);
      for (const disposable of owned) disposable.dispose();
      input.dispose();
    };
    const withButtons = input as QuickStep;
    if (back) withButtons.buttons = [QuickInputButtons.Back, ...withButtons.buttons];
    owned.push(
      withButtons.onDidTriggerButton((button) => {
        if (button === QuickInputButtons.Back) leave(BACK);
      }),
      input.onDidHide(() => {
        leave(CANCEL);
      }),
      ...listen(leave, over.signal),
    );
    input.show();
  });
}

type Outcome<R> = { readonly value: R } | { readonly message: string; readonly cure: string };

async function attempt<R>(input: QuickInput, work: () => Promise<R> | R): Promise<Outcome<R>> {
  input.busy = true;
  input.enabled = false;
  try {
    return { value: await work() };
  } catch (thrown) {
    const error = asSourcewrightError(thrown);
    return {
      message: unlinked(error.place === undefined ? error.message : `${error.message} (${error.place})`),
      cure: unlinked(error.cure ?? ''),
    };
  } finally {
    input.busy = false;
    input.enabled = true;
  }
}
