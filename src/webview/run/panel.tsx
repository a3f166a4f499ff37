/** The run view: where the pipeline stands, what it has cost, what its agent does and what the tests are worth. */
import { useEffect, useState } from 'preact/hooks';
import { act } from '../common/editor.ts';
import { mount, type PanelProperties } from '../common/mount.tsx';
import { Button, FailureNote } from '../common/parts.tsx';
import { Charts } from './charts.tsx';
import { type RunAction, type RunButton, RunModel, type StageRow } from './contract.ts';
import { EvidenceView } from './evidence.tsx';
import { FeedView } from './feed.tsx';
import { PipelineDrawing } from './pipeline-drawing.tsx';
import { cost, tokens } from './words.ts';

const send = (action: RunAction): void => {
  act(action);
};
const press = (button: RunButton): void => {
  send({ type: 'press', button });
};

function RunPanel({ model, failure }: PanelProperties<RunModel>) {
  const { gate, evidence, feed } = model;
  const now = useClock(model.attempts.shown.some(({ since }) => since !== null));
  const shown =
    evidence === null ? null : (
      <EvidenceView
        evidence={evidence}
        reveal={(place) => {
          send({ type: 'reveal', place });
        }}
      />
    );
  return (
    <>
      <h1>{model.title}</h1>
      <p class={`run-where run-${model.status}`} role="status">
        <strong>{model.summary}</strong> {model.advice}
      </p>
      {model.readOnly === null ? null : <p>{`Read only: ${model.readOnly} works on this run.`}</p>}
      <FailureNote failure={failure} />
      <Buttons buttons={model.buttons} />
      {gate === 'tests' ? shown : null}
      <h2>Pipeline</h2>
      <PipelineDrawing drawing={model.drawing} />
      <StageTable stages={model.stages} />
      {feed === null ? null : <FeedView key={feed.key} feed={feed} />}
      <Charts
        stages={model.stages}
        attempts={model.attempts}
        usage={model.usage}
        engine={model.engine}
        now={now}
      />
      {gate === 'tests' ? null : shown}
    </>
  );
}

/** The time, told again each second while something works. */
function useClock(runs: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!runs) return undefined;
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [runs]);
  return now;
}

/** A run that is cancelled does not come back, so that is asked about: here, in place of the buttons. */
function Buttons({ buttons }: { readonly buttons: RunModel['buttons'] }) {
  const [cancelling, setCancelling] = useState(false);
  if (cancelling && buttons.some(({ button }) => button === 'cancel')) {
    return (
      <div class="run-buttons" role="group" aria-label="Cancel the run?">
        <span>Cancel for good? All files stay.</span>
        <Button
          onPress={() => {
            setCancelling(false);
            press('cancel');
          }}
        >
          Cancel for Good
        </Button>
        <Button
          kind="primary"
          onPress={() => {
            setCancelling(false);
          }}
        >
          Keep It
        </Button>
      </div>
    );
  }
  return (
    <div class="run-buttons" role="group" aria-label="What to do">
      {buttons.map(({ button, label }, index) => (
        <Button
          key={button}
          kind={index === 0 && button !== 'pause' && button !== 'openConnector' ? 'primary' : 'secondary'}
          onPress={() => {
            if (button === 'cancel') setCancelling(true);
            else press(button);
          }}
        >
          {label}
        </Button>
      ))}
    </div>
  );
}

function StageTable({ stages }: { readonly stages: readonly StageRow[] }) {
  const paid = stages.some(({ usage }) => usage.usd > 0 || usage.inputTokens > 0);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">State</th>
          <th scope="col">Attempts</th>
          {paid ? <th scope="col">Cost</th> : null}
          <th scope="col">What came of it</th>
          <th scope="col">To read</th>
        </tr>
      </thead>
      <tbody>
        {stages.map(({ stage, label, state, attempts, usage, note, documents }) => (
          <tr key={stage}>
            <th scope="row">{label}</th>
            <td>{state}</td>
            <td>{attempts}</td>
            {paid ? (
              <td>{`${cost(usage.usd)}, ${tokens(usage.inputTokens + usage.outputTokens)} tokens`}</td>
            ) : null}
            <td>{note}</td>
            <td>
              {documents.map((document) => (
                <button
                  key={document.name}
                  type="button"
                  class="run-link"
                  aria-label={`Open ${document.label} of ${label}`}
                  onClick={() => {
                    send({ type: 'open', name: document.name });
                  }}
                >
                  {document.label}
                </button>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

mount(RunModel, RunPanel);
