/** The facts as a table: each claim with what it rests on, to be confirmed, corrected or struck. */
import { useState } from 'preact/hooks';
import { Button } from '../common/parts.tsx';
import type { Claim, Draft } from './contract.ts';
import { Form } from './form.tsx';
import { SourceView } from './notes-view.tsx';
import { send } from './send.tsx';

const STATUS: Readonly<Record<Claim['status'], string>> = {
  found: '',
  unconfirmed: '⚠ Unconfirmed: a model’s claim',
  confirmed: '✓ Confirmed',
  corrected: '✓ Corrected',
  struck: '✗ Struck: done without',
  unknown: '',
};

export interface ClaimsProperties {
  readonly title: string;
  readonly claims: readonly Claim[];
  readonly canAnswer: boolean;
}

export function ClaimsView({ title, claims, canAnswer }: ClaimsProperties) {
  const id = `claims-${title.replace(/\W+/g, '-')}`;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <table class="research-claims">
        <thead>
          <tr>
            <th scope="col">Fact</th>
            <th scope="col">Value and source</th>
            <th scope="col">How sure</th>
            {canAnswer ? <th scope="col">Your answer</th> : null}
          </tr>
        </thead>
        <tbody>
          {claims.map((claim) => (
            <ClaimRows key={claim.fact} claim={claim} canAnswer={canAnswer} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ClaimRows({ claim, canAnswer }: { readonly claim: Claim; readonly canAnswer: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const { stream, fact, label, value, status, draft, fields, sources, moreSources, confidence, rule } = claim;
  const about = `${label} of ${stream ?? 'the API'}`;
  const id = `claim-${stream ?? ''}-${fact}`;
  const isCorrected = isOpen && canAnswer;
  return (
    <>
      <tr class={`research-claim research-${status}`}>
        <th scope="row">
          {label}
          {STATUS[status] === '' ? null : <span class="research-status">{STATUS[status]}</span>}
        </th>
        <td>
          <div class="research-value">{status === 'struck' ? <s>{value}</s> : value}</div>
          {draft === null ? null : <DraftNote draft={draft} about={about} claim={claim} />}
          {sources.map((source, index) => (
            <SourceView key={index} source={source} />
          ))}
          {moreSources === 0 ? null : <span class="research-source">and {moreSources} more</span>}
        </td>
        <td>
          {confidence === null ? null : (
            <>
              <span>{`${Math.round(confidence * 100)}%`}</span>
              <meter
                min={0}
                max={1}
                low={0.5}
                high={0.8}
                optimum={1}
                value={confidence}
                aria-label={`How sure ${about} is`}
              />
              <span class="research-quiet">{rule}</span>
            </>
          )}
        </td>
        {canAnswer ? (
          <td>
            <Answers
              claim={claim}
              about={about}
              isOpen={isOpen}
              onCorrect={() => {
                setOpen(!isOpen);
              }}
              onOther={() => {
                setOpen(false);
              }}
            />
          </td>
        ) : null}
      </tr>
      {isCorrected ? (
        <tr>
          <td colSpan={4}>
            <Form
              id={id}
              about={`Correct ${about}`}
              fields={fields}
              draft={draft}
              disabled={false}
              onKeep={(values) => {
                send({ type: 'answer', stream, fact, kind: 'correct', fields: values });
              }}
            />
          </td>
        </tr>
      ) : null}
    </>
  );
}

interface AnswersProperties {
  readonly claim: Claim;
  readonly about: string;
  readonly isOpen: boolean;
  readonly onCorrect: () => void;
  readonly onOther: () => void;
}

function Answers({ claim, about, isOpen, onCorrect, onOther }: AnswersProperties) {
  const { stream, fact, draft, canConfirm, canStrike, fields } = claim;
  const strike = fact === 'stream' ? 'Leave Out' : 'Strike';
  const press = (kind: 'confirm' | 'strike') => (): void => {
    onOther();
    if (draft?.kind === kind) send({ type: 'undo', stream, fact });
    else send({ type: 'answer', stream, fact, kind, fields: {} });
  };
  return (
    <div class="research-answers">
      {canConfirm ? (
        <Button label={`Confirm: ${about}`} pressed={draft?.kind === 'confirm'} onPress={press('confirm')}>
          Confirm
        </Button>
      ) : null}
      {fields.length === 0 ? null : (
        <Button label={`Correct: ${about}`} pressed={isOpen} onPress={onCorrect}>
          Correct
        </Button>
      )}
      {canStrike ? (
        <Button label={`${strike}: ${about}`} pressed={draft?.kind === 'strike'} onPress={press('strike')}>
          {strike}
        </Button>
      ) : null}
    </div>
  );
}

/** What a draft says, with its undo. */
export function DraftNote({
  draft,
  about,
  claim: { stream, fact },
}: {
  readonly draft: Draft;
  readonly about: string;
  readonly claim: Pick<Claim, 'stream' | 'fact'>;
}) {
  return (
    <div class={draft.problem === null ? 'research-draft' : 'research-draft research-problem'}>
      <span>{draftWords(draft)}</span>{' '}
      <button
        type="button"
        class="research-link"
        aria-label={`Undo the draft: ${about}`}
        onClick={() => {
          send({ type: 'undo', stream, fact });
        }}
      >
        Undo
      </button>
    </div>
  );
}

function draftWords({ kind, words, problem }: Draft): string {
  if (problem !== null) return `Draft, can’t be applied: ${problem}`;
  if (kind === 'confirm') return 'Draft: confirmed as it is';
  return kind === 'strike' ? `Draft: struck (then: ${words})` : `Draft: ${words}`;
}
