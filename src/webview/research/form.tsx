/** Inputs for a value. What is typed is kept as a draft at once; the text in the inputs stays the person's own meanwhile. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, FormField } from './contract.ts';

type Values = Readonly<Record<string, string>>;

/** Milliseconds after the last key until what was typed is kept. */
const KEEP_AFTER_MS = 400;

/** Calls back with the newest value when nothing new has come for a while, or at once by `now`. */
export function useLater<T>(keep: (value: T) => void): { soon: (value: T) => void; now: () => void } {
  const waiting = useRef<{ value: T; timer: number } | null>(null);
  const newest = useRef(keep);
  newest.current = keep;
  const now = (): void => {
    if (waiting.current === null) return;
    window.clearTimeout(waiting.current.timer);
    const { value } = waiting.current;
    waiting.current = null;
    newest.current(value);
  };
  const soon = (value: T): void => {
    if (waiting.current !== null) window.clearTimeout(waiting.current.timer);
    waiting.current = { value, timer: window.setTimeout(now, KEEP_AFTER_MS) };
  };
  useEffect(() => now, []);
  return { soon, now };
}

export interface FormProperties {
  /** Unique on the page. */
  readonly id: string;
  /** What the inputs are about, for screen readers. */
  readonly about: string;
  readonly fields: readonly FormField[];
  readonly draft: Draft | null;
  readonly disabled: boolean;
  readonly onKeep: (values: Values) => void;
}

export function Form({ id, about, fields, draft, disabled, onKeep }: FormProperties) {
  const kept = draft?.kind === 'correct' ? draft.fields : {};
  const [values, setValues] = useState<Values>(() =>
    Object.fromEntries(fields.map(({ name, value }) => [name, kept[name] ?? value])),
  );
  const { soon, now } = useLater(onKeep);
  const hadDraft = useRef(draft !== null);
  // A draft that was undone, or given, takes its text along.
  useEffect(() => {
    if (hadDraft.current && draft === null) {
      setValues(Object.fromEntries(fields.map(({ name, value }) => [name, value])));
    }
    hadDraft.current = draft !== null;
  }, [draft === null]);
  const change = (name: string, value: string): void => {
    const changed = { ...values, [name]: value };
    setValues(changed);
    soon(changed);
  };
  const shown = fields.filter(({ when }) => when === undefined || when.is.includes(values[when.field] ?? ''));
  return (
    <div role="group" aria-label={about} class="research-form">
      {shown.map((field) => (
        <Input
          key={field.name}
          id={`${id}-${field.name}`}
          field={field}
          value={values[field.name] ?? ''}
          problemId={draft?.problem == null ? undefined : `${id}-problem`}
          disabled={disabled}
          onInput={(value) => {
            change(field.name, value);
          }}
          onLeave={now}
        />
      ))}
      {draft?.problem == null ? null : (
        <p id={`${id}-problem`} class="research-problem" role="status">
          {`Can’t be applied: ${draft.problem}`}
        </p>
      )}
    </div>
  );
}

interface InputProperties {
  readonly id: string;
  readonly field: FormField;
  readonly value: string;
  readonly problemId: string | undefined;
  readonly disabled: boolean;
  readonly onInput: (value: string) => void;
  readonly onLeave: () => void;
}

function Input({ id, field, value, problemId, disabled, onInput, onLeave }: InputProperties) {
  const { kind, label, options = [], suggestions, hint } = field;
  const hintId = hint === undefined ? undefined : `${id}-hint`;
  const common = {
    id,
    value,
    disabled,
    'aria-describedby': [hintId, problemId].filter((one) => one !== undefined).join(' ') || undefined,
    'aria-invalid': problemId === undefined ? undefined : ('true' as const),
    onBlur: onLeave,
  };
  return (
    <div class={kind === 'json' ? 'research-field research-wide' : 'research-field'}>
      <label for={id}>{label}</label>
      {kind === 'select' ? (
        <select
          {...common}
          onChange={(event) => {
            onInput(event.currentTarget.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : kind === 'json' ? (
        <textarea
          {...common}
          rows={8}
          spellcheck={false}
          onInput={(event) => {
            onInput(event.currentTarget.value);
          }}
        />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={kind === 'number' ? 'decimal' : 'text'}
          spellcheck={false}
          autocomplete="off"
          list={suggestions === undefined ? undefined : `${id}-list`}
          onInput={(event) => {
            onInput(event.currentTarget.value);
          }}
        />
      )}
      {suggestions === undefined ? null : (
        <datalist id={`${id}-list`}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
      {hint === undefined ? null : (
        <span id={hintId} class="research-quiet">
          {hint}
        </span>
      )}
    </div>
  );
}
