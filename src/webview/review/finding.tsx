/** One finding: what it says, the lines, the suggestion, what was said about it, and the answers. */
import { act } from '../common/editor.ts';
import { Button } from '../common/parts.tsx';
import type { Detail, FindingRow, ReviewAction, Severity } from './contract.ts';
import type { Draft } from './filter.ts';

export const SEVERITY: Record<Severity, { readonly word: string; readonly sign: string }> = {
  error: { word: 'Error', sign: '✖' },
  warning: { word: 'Warning', sign: '▲' },
  info: { word: 'Note', sign: 'ℹ' },
};
const ANSWER = {
  accepted: 'Accepted, queued for the improvement',
  applied: 'Accepted, suggestion applied',
  rejected: 'Rejected',
} as const;

export const send = (action: ReviewAction): void => {
  act(action);
};

interface FindingProperties {
  readonly row: FindingRow;
  readonly canAnswer: boolean;
  readonly draft: Draft | undefined;
  readonly setDraft: (draft: Draft | undefined) => void;
  readonly onAnswer: () => void;
}

export function FindingItem(properties: FindingProperties) {
  const { row } = properties;
  const { word, sign } = SEVERITY[row.severity];
  const place = `${row.file}:${row.line}`;
  return (
    <li class={`review-finding review-${row.severity}`} tabIndex={-1} data-finding={row.id}>
      <h3>
        <span class="review-severity">
          <span aria-hidden="true">{sign}</span> {word}
        </span>{' '}
        <Words text={row.message} />
      </h3>
      <p class="review-place">
        <button
          type="button"
          class="review-link"
          aria-label={`Open ${place}`}
          onClick={() => {
            send({ type: 'open', finding: row.id });
          }}
        >
          {place}
        </button>
        <span>
          {row.source} {row.rule} · {row.category}
        </span>
      </p>
      {row.detail === null ? (
        <p class="review-quiet">Open the file to see its lines: the list is long.</p>
      ) : (
        <Details detail={row.detail} />
      )}
      {row.answer === null ? null : (
        <p class="review-answer">
          {ANSWER[row.answer.answer]}
          {row.answer.reason === '' ? '' : `: ${row.answer.reason}`}
        </p>
      )}
      {properties.canAnswer ? <Answers {...properties} /> : null}
    </li>
  );
}

/** Tools put code into backticks; everything else in a message is text. */
function Words({ text }: { readonly text: string }) {
  const parts = text.split('`');
  if (parts.length % 2 === 0) return <>{text}</>;
  return <>{parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}

function Details({ detail: { excerpt, suggestion, remarks } }: { readonly detail: Detail }) {
  return (
    <>
      {/* The removed lines of a suggestion are the excerpt already. */}
      {suggestion !== null || excerpt === '' ? null : (
        <pre class="review-code" tabIndex={0} aria-label="The lines">
          {excerpt}
        </pre>
      )}
      {suggestion === null ? null : (
        <>
          <p>
            Suggestion: <Words text={suggestion.title} />
          </p>
          <pre class="review-code" tabIndex={0} aria-label="The suggested change">
            {suggestion.lines.map(({ sign, text }, at) => (
              <span key={at} class={sign === '+' ? 'review-added' : sign === '-' ? 'review-removed' : ''}>
                {`${sign} ${text}\n`}
              </span>
            ))}
          </pre>
        </>
      )}
      {remarks.length === 0 ? null : (
        <ul class="review-remarks" aria-label="What was said">
          {remarks.map(({ by, text, at }) => (
            <li key={`${at}${by}`}>
              <strong>{by === 'person' ? 'You' : 'Sourcewright'}</strong>{' '}
              <span class="review-words">{text}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Answers({ row, draft, setDraft, onAnswer }: FindingProperties) {
  const about = `${row.message.replaceAll('`', '')} in ${row.file}, line ${row.line}`;
  const answer = row.answer?.answer;
  const first = row.isExact ? 'Accept and Apply' : 'Accept';
  const accept = answer === undefined ? first : 'Accept Instead';
  if (draft !== undefined) return <DraftForm {...{ row, draft, setDraft, onAnswer }} />;
  return (
    <p class="review-actions">
      {answer === undefined || answer === 'rejected' ? (
        <Button
          kind={answer === undefined ? 'primary' : 'secondary'}
          label={`${accept}: ${about}`}
          onPress={() => {
            onAnswer();
            send({ type: 'accept', finding: row.id });
          }}
        >
          {accept}
        </Button>
      ) : null}
      {answer === undefined || answer === 'accepted' ? (
        <Button
          label={`${answer === undefined ? 'Reject' : 'Reject Instead'}: ${about}`}
          onPress={() => {
            setDraft({ mode: 'reject', text: '', sentAfter: null });
          }}
        >
          {answer === undefined ? 'Reject…' : 'Reject Instead…'}
        </Button>
      ) : null}
      {row.detail === null ? null : (
        <Button
          label={`Reply: ${about}`}
          onPress={() => {
            setDraft({ mode: 'reply', text: '', sentAfter: null });
          }}
        >
          Reply…
        </Button>
      )}
    </p>
  );
}

type DraftProperties = Pick<FindingProperties, 'row' | 'setDraft' | 'onAnswer'> & { readonly draft: Draft };

function DraftForm({ row, draft, setDraft, onAnswer }: DraftProperties) {
  const isReject = draft.mode === 'reject';
  const wasSent = draft.sentAfter !== null;
  const field = `review-draft-${row.id}`;
  const finish = (): void => {
    if (!isReject && draft.text.trim() === '') return;
    setDraft({ ...draft, sentAfter: row.detail?.remarks.length ?? 0 });
    if (isReject) {
      onAnswer();
      send({ type: 'reject', finding: row.id, reason: draft.text });
    } else send({ type: 'reply', finding: row.id, text: draft.text });
  };
  return (
    <form
      class="review-draft"
      onSubmit={(event) => {
        event.preventDefault();
        finish();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setDraft(undefined);
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) finish();
      }}
    >
      <label for={field}>
        {isReject
          ? 'Why? (optional; later reviews of this connector remember it)'
          : 'Ask why, or say what should be different'}
      </label>
      <textarea
        id={field}
        rows={isReject ? 2 : 3}
        maxLength={4000}
        disabled={wasSent}
        value={draft.text}
        ref={(element) => {
          // Where the person has just asked for it; not when a page with half-typed words comes back.
          if (element !== null && draft.text === '' && document.activeElement === document.body)
            element.focus();
        }}
        onInput={(event) => {
          setDraft({ ...draft, text: event.currentTarget.value });
        }}
      />
      <p class="review-actions">
        <button type="submit" class="primary" disabled={wasSent}>
          {isReject ? 'Reject' : 'Send Reply'}
        </button>
        <Button
          disabled={wasSent}
          onPress={() => {
            setDraft(undefined);
          }}
        >
          Cancel
        </Button>
      </p>
    </form>
  );
}
