/** What the description leaves open, as questions with the answers that are likely. */
import { useState } from 'preact/hooks';
import type { Question } from './contract.ts';
import { DraftNote } from './claims-view.tsx';
import { Form } from './form.tsx';
import { SourceView, Words } from './notes-view.tsx';
import { send } from './send.tsx';

export interface QuestionsProperties {
  readonly questions: readonly Question[];
  readonly more: number;
  readonly canAnswer: boolean;
}

export function QuestionsView({ questions, more, canAnswer }: QuestionsProperties) {
  return (
    <section aria-labelledby="questions-heading">
      <h2 id="questions-heading">Open questions ({questions.length + more})</h2>
      {questions.length === 0 ? <p>None about the streams that are read.</p> : null}
      {questions.map((question) => (
        <QuestionView key={question.id} question={question} canAnswer={canAnswer} />
      ))}
      {more === 0 ? null : (
        <p class="research-quiet">
          {more} more, about other streams: they come when their claims are shown or the first are answered.
        </p>
      )}
    </section>
  );
}

function QuestionView({ question, canAnswer }: { readonly question: Question; readonly canAnswer: boolean }) {
  const { id, stream, fact, assumed, options, fields, canConfirm, draft, source } = question;
  const chosen = draft?.kind === 'correct' ? options.findIndex((one) => holds(draft.fields, one.fields)) : -1;
  const [isOther, setOther] = useState(draft?.kind === 'correct' && chosen < 0);
  const about = stream ?? 'the API';
  const answer = (kind: 'confirm' | 'correct', values: Record<string, string>): void => {
    setOther(false);
    send({ type: 'answer', stream, fact, kind, fields: values });
  };
  const canChoose = canAnswer && (canConfirm || options.length > 0 || fields.length > 0);
  return (
    <fieldset class="research-question">
      <legend>
        {stream === null ? null : <code>{stream}</code>} <Words text={question.question} />
      </legend>
      {source === null ? null : <SourceView source={source} />}
      {canChoose ? (
        <>
          {options.map((option, index) => (
            <Choice
              key={option.label}
              name={id}
              isChosen={!isOther && index === chosen}
              onChoose={() => {
                answer('correct', option.fields);
              }}
            >
              {option.label}
            </Choice>
          ))}
          {canConfirm ? (
            <Choice
              name={id}
              isChosen={!isOther && draft?.kind === 'confirm'}
              onChoose={() => {
                answer('confirm', {});
              }}
            >
              As it is assumed: {assumed}
            </Choice>
          ) : null}
          {fields.length === 0 ? null : (
            <Choice
              name={id}
              isChosen={isOther}
              onChoose={() => {
                setOther(true);
              }}
            >
              Something else
            </Choice>
          )}
          {isOther ? (
            <Form
              id={`question-${id}`}
              about={`Another answer about ${about}`}
              fields={fields}
              draft={draft}
              disabled={false}
              onKeep={(values) => {
                send({ type: 'answer', stream, fact, kind: 'correct', fields: values });
              }}
            />
          ) : null}
        </>
      ) : (
        <p>
          Until it is answered: {assumed}
          {canAnswer ? ' To have it otherwise, request changes in words.' : ''}
        </p>
      )}
      {draft === null ? null : <DraftNote draft={draft} about={question.question} claim={question} />}
    </fieldset>
  );
}

/** What inputs hold, where empty ones count for nothing. */
function holds(values: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(values), ...Object.keys(wanted)]);
  return [...names].every((name) => (values[name] ?? '') === (wanted[name] ?? ''));
}

function Choice({
  name,
  isChosen,
  onChoose,
  children,
}: {
  readonly name: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <label class="research-choice">
      <input type="radio" name={name} checked={isChosen} onChange={onChoose} />
      <span>{children}</span>
    </label>
  );
}
