/** The pipeline as it is: stages in a row, gates between them, loops above and below. */
import type { Drawing, DrawnGate, DrawnLoop, DrawnStage, GateId, LoopId } from './contract.ts';

const BOX = { width: 112, height: 56, top: 112 };
const MIDDLE = BOX.top + BOX.height / 2;
const BOTTOM = BOX.top + BOX.height;
const DIAMOND = 14;
const SIZE = { width: 1050, height: 300 };

/** Left edges of the stages, centres of the gates. */
const STAGE_X: Record<string, number> = {
  research: 8,
  generate: 176,
  test: 344,
  diagnose: 496,
  review: 664,
  publish: 930,
};
const GATE_AT: Record<GateId, { readonly x: number; readonly y: number }> = {
  research: { x: 148, y: MIDDLE },
  code: { x: 316, y: MIDDLE },
  tests: { x: 636, y: MIDDLE },
  review: { x: 812, y: MIDDLE },
  draft: { x: 882, y: MIDDLE + 62 },
  publish: { x: 882, y: MIDDLE },
};
/** What stands below a gate; the place beside the draft gate is free. */
const GATE_NAME: Record<GateId, string> = {
  research: 'research',
  code: 'code',
  tests: 'tests',
  review: 'review',
  draft: 'draft',
  publish: 'publish',
};

const LOOP_WAY: Record<LoopId, { readonly path: string; readonly x: number; readonly y: number }> = {
  fixCode: { path: `M 576 ${BOX.top} V 40 H 232 V ${BOX.top - 6}`, x: 401, y: 40 },
  fixTests: { path: `M 540 ${BOX.top} V 80 H 372 V ${BOX.top - 6}`, x: 456, y: 80 },
  improve: { path: `M 812 ${MIDDLE + DIAMOND} V 232 H 232 V ${BOTTOM + 6}`, x: 440, y: 232 },
  revise: { path: `M 704 ${BOTTOM} V 274 H 64 V ${BOTTOM + 6}`, x: 440, y: 274 },
};

const WAYS = [
  way(120, 134),
  way(162, 176),
  way(288, 302),
  way(330, 344),
  way(456, 496),
  way(608, 622),
  way(650, 664),
  way(776, 798),
  way(826, 868),
  way(896, 930),
  // Left open, or cycles used up: past the gate draft.
  `M 822 ${MIDDLE + 8} L 866 ${GATE_AT.draft.y - 4}`,
  `M 896 ${GATE_AT.draft.y} H 986 V ${BOTTOM + 6}`,
];

function way(from: number, to: number): string {
  return `M ${from} ${MIDDLE} H ${to - 4}`;
}

/** States as signs, so that none is told by colour alone. */
const SIGN: Record<DrawnStage['state'], string> = {
  pending: '○',
  running: '▶',
  waiting: '?',
  done: '✓',
  failed: '✕',
  paused: '‖',
  cancelled: '⊘',
};

export function PipelineDrawing({ drawing }: { readonly drawing: Drawing }) {
  return (
    <figure class="run-drawing">
      <div class="run-drawing-scroll" tabIndex={0} role="group" aria-label="Drawing of the pipeline">
        <svg viewBox={`0 0 ${SIZE.width} ${SIZE.height}`} role="img" aria-label={drawing.text}>
          <defs>
            <marker
              id="run-head"
              viewBox="0 0 8 8"
              refX="4"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path class="run-head" d="M 0 0 L 8 4 L 0 8 z" />
            </marker>
          </defs>
          {WAYS.map((path) => (
            <path key={path} class="run-way" d={path} marker-end="url(#run-head)" />
          ))}
          {drawing.loops.map((loop) => (
            <Loop key={loop.loop} loop={loop} />
          ))}
          {drawing.stages.map((stage) => (
            <StageBox key={stage.stage} stage={stage} />
          ))}
          {drawing.gates.map((gate) => (
            <Gate key={gate.gate} gate={gate} />
          ))}
        </svg>
      </div>
      <figcaption>
        A solid diamond is a gate that asks you, a dashed one goes on by itself. The arrows back are the
        loops, with how often each was used and how often it may be.
      </figcaption>
    </figure>
  );
}

function StageBox({ stage: { stage, label, state, detail, here } }: { readonly stage: DrawnStage }) {
  const x = STAGE_X[stage] ?? 0;
  const centre = x + BOX.width / 2;
  return (
    <g class={`run-stage run-${state}${here ? ' run-here' : ''}`}>
      <rect x={x} y={BOX.top} width={BOX.width} height={BOX.height} rx={6} />
      <text class="run-name" x={centre} y={BOX.top + 19}>
        {label}
      </text>
      <text class="run-state" x={centre} y={BOX.top + 34}>
        {`${SIGN[state]} ${state}`}
      </text>
      <text class="run-detail" x={centre} y={BOX.top + 49}>
        {detail}
      </text>
      {here ? <Pointer x={centre} y={BOX.top - 4} /> : null}
    </g>
  );
}

function Pointer({ x, y }: { readonly x: number; readonly y: number }) {
  return <path class="run-pointer" d={`M ${x - 9} ${y - 12} H ${x + 9} L ${x} ${y} z`} />;
}

function Gate({ gate: { gate, policy, answer, here, text } }: { readonly gate: DrawnGate }) {
  const { x, y } = GATE_AT[gate];
  const sign = here
    ? '?'
    : answer === 'approve'
      ? '✓'
      : answer === null
        ? ''
        : answer === 'reject'
          ? '✕'
          : '↺';
  return (
    <g class={`run-gate run-${policy}${here ? ' run-here' : ''}`}>
      <title>{text}</title>
      <path d={`M ${x - DIAMOND} ${y} L ${x} ${y - DIAMOND} L ${x + DIAMOND} ${y} L ${x} ${y + DIAMOND} z`} />
      <text class="run-sign" x={x} y={y + 4}>
        {sign}
      </text>
      <text class="run-gate-name" x={x} y={gate === 'draft' ? y + DIAMOND + 13 : y - DIAMOND - 5}>
        {GATE_NAME[gate]}
      </text>
      {here ? <Pointer x={x} y={y - DIAMOND - 18} /> : null}
    </g>
  );
}

function Loop({ loop: { loop, label, used, limit, here } }: { readonly loop: DrawnLoop }) {
  const { path, x, y } = LOOP_WAY[loop];
  const words = `${label} ${used} of ${limit}`;
  const width = words.length * 7 + 16;
  return (
    <g class={`run-loop${here ? ' run-here' : ''}${used >= limit ? ' run-used-up' : ''}`}>
      <path d={path} marker-end="url(#run-head)" />
      <rect x={x - width / 2} y={y - 11} width={width} height={22} rx={11} />
      <text x={x} y={y + 4}>
        {words}
      </text>
    </g>
  );
}
