/** What the gate tests is about: what ran, how it went, what tests let through and what the conformance suite says. */
import type { ComponentChildren } from 'preact';
import type { CheckRow, Cut, Evidence, Place } from './contract.ts';
import { clock, counted, duration } from './words.ts';

interface EvidenceProperties {
  readonly evidence: Evidence;
  readonly reveal: (place: Place) => void;
}

export function EvidenceView({ evidence, reveal }: EvidenceProperties) {
  const { failing, integrity, mutation, conformance } = evidence;
  return (
    <section aria-labelledby="run-evidence" class="run-evidence">
      <h2 id="run-evidence">Evidence</h2>
      {evidence.outdated ? (
        <p class="run-warning">
          <strong>Outdated.</strong> Code or tests are changing; what stands here is of the last test run.
        </p>
      ) : null}
      {evidence.reason === null ? null : <p class="run-warning">{evidence.reason}</p>}
      <Facts evidence={evidence} />
      <List title="Failing tests" items={failing}>
        {(test) => (
          <li key={test.id}>
            <PlaceLink place={test.place} reveal={reveal} text={test.id} /> {test.outcome}: {test.message}
          </li>
        )}
      </List>
      <List title="Integrity" items={integrity}>
        {(finding) => (
          <li key={`${finding.rule} ${placeText(finding.place)} ${finding.message}`}>
            <PlaceLink place={finding.place} reveal={reveal} /> {finding.severity}: {finding.message} (
            <code>{finding.rule}</code>)
          </li>
        )}
      </List>
      {mutation === null ? null : (
        <List title="Planted mistakes that no test noticed" items={mutation.survivors}>
          {(one) => (
            <li key={`${placeText(one.place)} ${one.operator} ${one.after}`}>
              <PlaceLink place={one.place} reveal={reveal} /> {one.operator}
              {one.handWritten ? ', in code written by hand' : ''}: <code>{one.before}</code> became{' '}
              <code>{one.after}</code>
            </li>
          )}
        </List>
      )}
      {conformance === null ? null : (
        <>
          <List title="Conformance checks that failed" items={conformance.failures}>
            {(check) => <Check key={check.id} check={check} reveal={reveal} />}
          </List>
          <List
            title="Advice on the agent face"
            about="Told by the conformance suite. No reason to fail: the connector works, but a language model is guided less well."
            items={conformance.advice}
          >
            {(check) => <Check key={check.id} check={check} reveal={reveal} />}
          </List>
        </>
      )}
    </section>
  );
}

const VERDICT: Record<Evidence['verdict'], string> = {
  passed: '✓ passed',
  failed: '✕ failed',
  unusable: '? unusable',
};

function Facts({ evidence }: { readonly evidence: Evidence }) {
  const { mutation, conformance } = evidence;
  const skipped = evidence.skipped === 0 ? '' : `, ${evidence.skipped} skipped`;
  return (
    <dl class="run-facts">
      <Fact name="Tests">
        <strong>{VERDICT[evidence.verdict]}</strong>
        {`: ${evidence.passed} of ${evidence.total} passed, ${evidence.failed} failed, ${counted(evidence.errors, 'error')}${skipped}`}
      </Fact>
      <Fact name="Coverage">
        {evidence.coverage === null ? 'not measured' : `${evidence.coverage.toFixed(1)} % of the lines ran`}
      </Fact>
      <Fact name="Kill rate">{mutation === null ? 'no mistakes were planted' : killText(mutation)}</Fact>
      <Fact name="Conformance">
        {conformance === null ? 'the suite did not run' : suiteText(conformance)}
      </Fact>
      <Fact name="Integrity">
        {evidence.integrity.shown.length + evidence.integrity.left === 0
          ? 'no finding: nothing was skipped, taken out or unlocked'
          : counted(evidence.integrity.shown.length + evidence.integrity.left, 'finding')}
      </Fact>
      <Fact name="What ran">
        code <Hash value={evidence.codeSha256} />, tests <Hash value={evidence.testsSha256} />
        {evidence.unchanged === null
          ? ''
          : evidence.unchanged
            ? '. The files are still the same.'
            : '. The files have changed since: rerun the tests before you decide.'}
      </Fact>
      <Fact name="Run">
        {`${clock(evidence.startedAt)}, ${duration(evidence.durationMs)}, ${
          evidence.timedOut ? 'ended at its time limit' : `exit code ${evidence.exitCode ?? 'none'}`
        }, Python ${evidence.python}`}
      </Fact>
      {evidence.isolation !== null && (
        <Fact name="Isolation">{[evidence.isolation.words, ...evidence.isolation.lacks].join('; ')}</Fact>
      )}
    </dl>
  );
}

function killText(mutation: NonNullable<Evidence['mutation']>): string {
  const { killRate, killed, survived, timedOut, notRun, candidates, note } = mutation;
  const rate = killRate === null ? 'not known' : `${killRate.toFixed(1)} %`;
  const late = timedOut === 0 ? '' : `, ${timedOut} ended at the time limit`;
  const left = notRun === 0 ? '' : `, ${notRun} not run`;
  const why = note === null ? '' : `. ${note}`;
  return `${rate}: ${killed} noticed, ${survived} not${late}${left}, of ${counted(candidates, 'possible place')}${why}`;
}

function suiteText(conformance: NonNullable<Evidence['conformance']>): string {
  const { passed, failed, notApplicable, broken, advice, note } = conformance;
  const told = advice.shown.length + advice.left;
  const parts = [
    `${counted(passed, 'check')} passed, ${failed} failed, ${notApplicable} not applicable`,
    broken === 0 ? '' : `${broken} could not be run`,
    told === 0 ? '' : counted(told, 'piece of advice', 'pieces of advice'),
  ].filter((part) => part !== '');
  return `${parts.join(', ')}${note === null ? '' : `. ${note}`}`;
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The first twelve digits; all of them on hovering and in the test report. */
function Hash({ value }: { readonly value: string }) {
  return <code title={`sha256 ${value}`}>{value.slice(0, 12)}</code>;
}

interface ListProperties<T> {
  readonly title: string;
  readonly about?: string;
  readonly items: Cut<T>;
  readonly children: (item: T) => ComponentChildren;
}

/** Nothing where there is nothing to list. */
function List<T>({ title, about, items, children }: ListProperties<T>) {
  if (items.shown.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      {about === undefined ? null : <p>{about}</p>}
      <ul>{items.shown.map(children)}</ul>
      {items.left === 0 ? null : <p>{`${items.left} more stand in the test report.`}</p>}
    </>
  );
}

function Check({ check, reveal }: { readonly check: CheckRow; readonly reveal: (place: Place) => void }) {
  const { id, title, problems } = check;
  return (
    <li>
      <code>{id}</code> {title}
      <ul>
        {problems.shown.map(({ message, place }) => (
          <li key={`${message} ${place === null ? '' : placeText(place)}`}>
            {place === null ? null : <PlaceLink place={place} reveal={reveal} />} {message}
          </li>
        ))}
        {problems.left === 0 ? null : <li>{`${problems.left} more`}</li>}
      </ul>
    </li>
  );
}

function placeText({ file, line }: Place): string {
  return line === null ? file : `${file}:${line}`;
}

interface PlaceProperties {
  readonly place: Place;
  readonly reveal: (place: Place) => void;
  readonly text?: string;
}

function PlaceLink({ place, reveal, text }: PlaceProperties) {
  return (
    <button
      type="button"
      class="run-link"
      onClick={() => {
        reveal(place);
      }}
    >
      {text ?? placeText(place)}
    </button>
  );
}
