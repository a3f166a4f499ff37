/** Which streams are read: filtered, picked one by one or all at once, with what is left out and why. */
import { useState } from 'preact/hooks';
import { Button } from '../common/parts.tsx';
import type { StreamRow } from './contract.ts';
import { send } from './send.tsx';

/** Rows on the page at a time: more make a page slow, and nobody reads them. */
const ROWS = 60;

export interface StreamsProperties {
  readonly streams: readonly StreamRow[];
  readonly reasons: readonly string[];
  readonly canAnswer: boolean;
  readonly shown: readonly string[];
}

export function StreamsView({ streams, reasons, canAnswer, shown }: StreamsProperties) {
  const [filter, setFilter] = useState('');
  const [rows, setRows] = useState(ROWS);
  const words = filter.trim().toLowerCase().split(/\s+/);
  const found = streams.filter(({ name, request }) => {
    const text = `${name} ${request}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const read = streams.filter(isRead).length;
  const pick = (selected: boolean) => (): void => {
    send({ type: 'pick', streams: found.map(({ name }) => name), selected });
  };
  const isAll = found.length === streams.length;
  return (
    <section aria-labelledby="streams-heading">
      <h2 id="streams-heading">
        Streams ({read} of {streams.length} read)
      </h2>
      <div class="research-tools">
        <label for="streams-filter">Filter</label>
        <input
          id="streams-filter"
          type="search"
          value={filter}
          onInput={(event) => {
            setFilter(event.currentTarget.value);
            setRows(ROWS);
          }}
        />
        {canAnswer ? (
          <>
            <Button onPress={pick(true)}>{isAll ? 'Select All' : `Select These ${found.length}`}</Button>
            <Button onPress={pick(false)}>{isAll ? 'Select None' : `Leave Out These ${found.length}`}</Button>
          </>
        ) : null}
        <span role="status" class="research-quiet">
          {isAll ? '' : `${found.length} found`}
        </span>
      </div>
      <table class="research-streams">
        <thead>
          <tr>
            <th scope="col">Read</th>
            <th scope="col">Stream</th>
            <th scope="col">Open</th>
            <th scope="col">Claims</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, rows).map((row) => (
            <Row
              key={row.name}
              row={row}
              reason={row.reason === null ? '' : (reasons[row.reason] ?? '')}
              canAnswer={canAnswer}
              isShown={shown.includes(row.name)}
            />
          ))}
        </tbody>
      </table>
      {found.length <= rows ? null : (
        <Button
          onPress={() => {
            setRows(rows + ROWS);
          }}
        >
          {`Show ${Math.min(ROWS, found.length - rows)} more of ${found.length}`}
        </Button>
      )}
    </section>
  );
}

export function isRead({ wanted, selected }: StreamRow): boolean {
  return wanted ?? selected;
}

interface RowProperties {
  readonly row: StreamRow;
  readonly reason: string;
  readonly canAnswer: boolean;
  readonly isShown: boolean;
}

function Row({ row, reason, canAnswer, isShown }: RowProperties) {
  const { name, request, wanted, selected, open, neededBy } = row;
  const id = `stream-${name}`;
  return (
    <tr>
      <td>
        <input
          id={id}
          type="checkbox"
          checked={isRead(row)}
          disabled={!canAnswer}
          onChange={(event) => {
            send({ type: 'pick', streams: [name], selected: event.currentTarget.checked });
          }}
        />
      </td>
      <td>
        <label for={id}>{name}</label> <code>{request}</code>
        {wanted === null || wanted === selected ? null : (
          <span class="research-draft">{wanted ? 'Draft: read' : 'Draft: left out'}</span>
        )}
        {isRead(row) ? null : (
          <span class="research-quiet">
            {wanted === null ? `Left out: ${reason}. ` : ''}
            {neededBy.length === 0 ? '' : `Still asked for, as ${neededBy.join(', ')} need it.`}
          </span>
        )}
      </td>
      <td>{open === 0 ? '' : open}</td>
      <td>
        <Button
          label={`Show the claims of ${name}`}
          pressed={isShown}
          onPress={() => {
            send({ type: 'show', streams: [name] });
          }}
        >
          Show
        </Button>
      </td>
    </tr>
  );
}
