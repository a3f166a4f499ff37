/** Which findings to list: by severity, file, answer and text. */
import type { FindingRow } from './contract.ts';
import { Filter } from './filter.ts';

interface FilterProperties {
  readonly findings: readonly FindingRow[];
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

interface Choice {
  readonly value: string;
  readonly words: string;
}

const SEVERITIES: readonly Choice[] = [
  { value: '', words: 'All severities' },
  { value: 'error', words: 'Errors' },
  { value: 'warning', words: 'Warnings' },
  { value: 'info', words: 'Notes' },
];
const STATES: readonly Choice[] = [
  { value: 'open', words: 'Open' },
  { value: 'answered', words: 'Answered' },
  { value: 'all', words: 'Open and answered' },
];

export function FilterBar({ findings, filter, onChange }: FilterProperties) {
  const files = [...new Set(findings.map(({ file }) => file))].sort((a, b) => a.localeCompare(b));
  // A file whose findings are all gone stays in the list while it is chosen.
  const listed = filter.file === '' || files.includes(filter.file) ? files : [filter.file, ...files];
  const set = (change: { readonly [K in keyof Filter]?: string }): void => {
    const next = Filter.safeParse({ ...filter, ...change });
    if (next.success) onChange(next.data);
  };
  return (
    <form
      class="review-filter"
      role="search"
      aria-label="Filter the findings"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <Select
        label="Severity"
        value={filter.severity}
        choices={SEVERITIES}
        onChoose={(severity) => {
          set({ severity });
        }}
      />
      <Select
        label="File"
        value={filter.file}
        choices={[{ value: '', words: 'All files' }, ...listed.map((file) => ({ value: file, words: file }))]}
        onChoose={(file) => {
          set({ file });
        }}
      />
      <Select
        label="State"
        value={filter.state}
        choices={STATES}
        onChoose={(state) => {
          set({ state });
        }}
      />
      <label>
        Text
        <input
          type="search"
          value={filter.text}
          onInput={(event) => {
            set({ text: event.currentTarget.value });
          }}
        />
      </label>
    </form>
  );
}

interface SelectProperties {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly onChoose: (value: string) => void;
}

function Select({ label, value, choices, onChoose }: SelectProperties) {
  return (
    <label>
      {label}
      <select
        value={value}
        onChange={(event) => {
          onChoose(event.currentTarget.value);
        }}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.words}
          </option>
        ))}
      </select>
    </label>
  );
}
