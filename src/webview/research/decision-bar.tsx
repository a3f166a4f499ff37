/** What the person decides, always in reach: apply the drafts, approve, request changes, reject. */
import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../common/mount.tsx';
import { Button, FailureNote } from '../common/parts.tsx';
import type { ResearchModel } from './contract.ts';
import { useLater } from './form.tsx';
import { send } from './send.tsx';

export interface DecisionProperties {
  readonly model: ResearchModel;
  readonly failure: Failure | null;
}

type Asked = 'changes' | 'reject' | null;

export function DecisionBar({ model, failure }: DecisionProperties) {
  const { drafts, canAnswer } = model;
  const [asked, setAsked] = useState<Asked>(drafts.words === '' ? null : 'changes');
  const [isBusy, setBusy] = useState(false);
  const [areWordsGiven, setWordsGiven] = useState(false);
  // Each answer of the editor is a new model, or tells why there is none.
  useEffect(() => {
    setBusy(false);
    if (!areWordsGiven) return;
    // What was given must not stand there to be given again; what was refused must.
    if (failure !== null) setWordsGiven(false);
    else if (drafts.words === '') {
      setWordsGiven(false);
      setAsked(null);
    }
  }, [model, failure]);
  if (!canAnswer) return <FailureNote failure={failure} />;
  const { changes, confirmations, problems } = drafts;
  const total = changes + confirmations;
  const isStopped = isBusy || problems.length > 0;
  const decide = (type: 'apply' | 'approve') => (): void => {
    setBusy(true);
    send({ type });
  };
  const toggle = (what: 'changes' | 'reject') => (): void => {
    setAsked(asked === what ? null : what);
  };
  return (
    <section class="research-bar" aria-label="Your decision">
      <FailureNote failure={failure} />
      <p role="status">{draftsWords(changes, confirmations)}</p>
      {problems.length === 0 ? null : (
        <ul class="research-problem">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      {asked === 'changes' ? (
        <ChangesForm
          model={model}
          total={total}
          isBusy={isBusy}
          onGive={() => {
            setBusy(true);
            setWordsGiven(true);
          }}
        />
      ) : null}
      {asked === 'reject' ? <RejectForm isBusy={isBusy} /> : null}
      <div class="research-tools">
        {total === 0 ? null : (
          <Button kind={changes > 0 ? 'primary' : 'secondary'} disabled={isStopped} onPress={decide('apply')}>
            {`Apply ${count(total, changes === 0 ? 'Confirmation' : 'Change')}`}
          </Button>
        )}
        <Button kind={changes > 0 ? 'secondary' : 'primary'} disabled={isStopped} onPress={decide('approve')}>
          {total === 0 ? 'Approve' : 'Apply and Approve'}
        </Button>
        <Button pressed={asked === 'changes'} onPress={toggle('changes')}>
          Request Changes…
        </Button>
        <Button pressed={asked === 'reject'} onPress={toggle('reject')}>
          Reject…
        </Button>
        {total === 0 ? null : (
          <Button
            onPress={() => {
              send({ type: 'undo', stream: null, fact: null });
            }}
          >
            Undo All Drafts
          </Button>
        )}
      </div>
    </section>
  );
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function draftsWords(changes: number, confirmations: number): string {
  const parts = [
    ...(changes === 0 ? [] : [count(changes, 'change')]),
    ...(confirmations === 0 ? [] : [count(confirmations, 'confirmation')]),
  ];
  return parts.length === 0
    ? 'Approve, and the connector is generated from this brief.'
    : `${parts.join(' and ')} drafted, not applied yet.`;
}

function ChangesForm({
  model,
  total,
  isBusy,
  onGive,
}: {
  readonly model: ResearchModel;
  readonly total: number;
  readonly isBusy: boolean;
  readonly onGive: () => void;
}) {
  const [words, setWords] = useState(model.drafts.words);
  const { soon, now } = useLater((text: string) => {
    send({ type: 'words', text });
  });
  return (
    <div class="research-field research-wide">
      <label for="changes-words">What should be different? (in words)</label>
      <textarea
        id="changes-words"
        rows={3}
        value={words}
        aria-describedby="changes-hint"
        onInput={(event) => {
          setWords(event.currentTarget.value);
          soon(event.currentTarget.value);
        }}
        onBlur={now}
      />
      <span id="changes-hint" class="research-quiet">
        Agents act on words; rules only note them: answer the claims instead.
        {total === 0 ? '' : ' Your drafts stay until you apply them.'}
      </span>
      <Button
        kind="primary"
        disabled={isBusy || words.trim() === ''}
        onPress={() => {
          now();
          onGive();
          send({ type: 'requestChanges', words });
        }}
      >
        Request These Changes
      </Button>
    </div>
  );
}

function RejectForm({ isBusy }: { readonly isBusy: boolean }) {
  const [reason, setReason] = useState('');
  return (
    <div class="research-field research-wide">
      <label for="reject-reason">Why? (optional; kept in the journal)</label>
      <input
        id="reject-reason"
        type="text"
        value={reason}
        onInput={(event) => {
          setReason(event.currentTarget.value);
        }}
      />
      <Button
        kind="primary"
        disabled={isBusy}
        onPress={() => {
          send({ type: 'reject', reason });
        }}
      >
        Reject and End the Run
      </Button>
    </div>
  );
}
