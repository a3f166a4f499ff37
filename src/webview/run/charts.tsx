/** Times, tokens and dollars of the stages as bars, one piece for each attempt; the same as a table below. */
import { attemptName, barsOf, type Bar, chartText, type Measure, workedMs } from './chart-numbers.ts';
import type { AttemptRow, RunModel, StageRow } from './contract.ts';
import { clock, cost, counted, duration, tokens } from './words.ts';

const ROW = 24;
const NAME_WIDTH = 74;
const BAR_WIDTH = 180;
const WIDTH = 340;

interface ChartsProperties {
  readonly stages: readonly StageRow[];
  readonly attempts: RunModel['attempts'];
  readonly usage: RunModel['usage'];
  readonly engine: RunModel['engine'];
  readonly now: number;
}

export function Charts({ stages, attempts, usage, engine, now }: ChartsProperties) {
  const paid = usage.usd > 0 || usage.inputTokens + usage.outputTokens > 0;
  const sum = attempts.shown.reduce((ms, attempt) => ms + workedMs(attempt, now), 0);
  const bars = (measure: Measure): Bar[] => barsOf(stages, attempts.shown, measure, now);
  return (
    <section aria-labelledby="run-spent">
      <h2 id="run-spent">Time and cost</h2>
      <p>
        {`${duration(sum)} of work in ${counted(attempts.shown.length + attempts.left, 'attempt')}. `}
        {paid
          ? `${cost(usage.usd)} for ${tokens(usage.inputTokens)} tokens in and ${tokens(usage.outputTokens)} out.`
          : engine === 'rules'
            ? 'Rules did the work: no model was asked, nothing was paid.'
            : 'No model has been paid yet.'}
      </p>
      <div class="run-charts">
        <Chart title="Time" bars={bars('time')} />
        {paid ? <Chart title="Tokens" bars={bars('tokens')} /> : null}
        {paid ? <Chart title="Cost" bars={bars('cost')} /> : null}
      </div>
      <details>
        <summary>All attempts as a table</summary>
        <AttemptTable attempts={attempts.shown} paid={paid} now={now} />
        {attempts.left === 0 ? null : <p>{`${counted(attempts.left, 'older attempt')} not shown.`}</p>}
      </details>
    </section>
  );
}

function Chart({ title, bars }: { readonly title: string; readonly bars: readonly Bar[] }) {
  const height = bars.length * ROW;
  return (
    <figure class="run-chart">
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={chartText(title, bars)}>
        <defs>
          <pattern
            id={`run-hatch-${title}`}
            width="6"
            height="6"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class="run-hatch-ground" width="6" height="6" />
            <rect class="run-hatch-line" width="2.5" height="6" />
          </pattern>
        </defs>
        {bars.map((bar, index) => (
          <g key={bar.stage}>
            <text class="run-bar-name" x={0} y={index * ROW + 16}>
              {bar.label}
            </text>
            {bar.segments.map((segment) => {
              const width = (segment.to - segment.from) * BAR_WIDTH;
              const wrong = segment.outcome === 'failed';
              return (
                <rect
                  key={segment.key}
                  class={`run-bar run-${segment.outcome}`}
                  x={NAME_WIDTH + segment.from * BAR_WIDTH}
                  y={index * ROW + 5}
                  width={Math.max(width - 1, segment.to > segment.from ? 1 : 0)}
                  height={ROW - 10}
                  {...(wrong ? { fill: `url(#run-hatch-${title})` } : {})}
                >
                  <title>{`${bar.label}, ${segment.text}`}</title>
                </rect>
              );
            })}
            <text
              class="run-bar-total"
              x={NAME_WIDTH + (bar.segments.at(-1)?.to ?? 0) * BAR_WIDTH + 6}
              y={index * ROW + 16}
            >
              {bar.text}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  );
}

interface AttemptTableProperties {
  readonly attempts: readonly AttemptRow[];
  readonly paid: boolean;
  readonly now: number;
}

function AttemptTable({ attempts, paid, now }: AttemptTableProperties) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Attempt</th>
          <th scope="col">Began</th>
          <th scope="col">Outcome</th>
          <th scope="col">Time</th>
          {paid ? <th scope="col">Tokens</th> : null}
          {paid ? <th scope="col">Cost</th> : null}
          <th scope="col">What came of it</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <tr key={`${attempt.stage}/${attempt.attempt}`}>
            <th scope="row">{`${attempt.label}, ${attemptName(attempt)}`}</th>
            <td>{clock(attempt.startedAt)}</td>
            <td>
              {attempt.outcome}
              {attempt.sittings > 1 ? `, begun ${attempt.sittings} times` : ''}
            </td>
            <td>{duration(workedMs(attempt, now))}</td>
            {paid ? <td>{tokens(attempt.usage.inputTokens + attempt.usage.outputTokens)}</td> : null}
            {paid ? <td>{cost(attempt.usage.usd)}</td> : null}
            <td>{attempt.note}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
