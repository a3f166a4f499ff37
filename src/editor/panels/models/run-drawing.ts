/** The pipeline as the run view draws it: stages, gates and loops, each with where the run stands. Pure. */
import type { GateName, Limits, RunRequest, RunView, StageView } from '../../../pipeline/contracts.ts';
import type { GateWord } from '../../../pipeline/attempts.ts';
import { GATE_OF, isAutoGate } from '../../../pipeline/view.ts';
import type { DrawnGate, DrawnLoop, DrawnStage, Drawing, LoopId } from '../../../webview/run/contract.ts';
import { activeStage, runSummary, sentence, STAGE_LABEL } from '../../present.ts';

type CountName = keyof RunView['counts'];

interface LoopWords {
  readonly label: string;
  readonly count: CountName;
  /** What is counted, in words. */
  readonly words: string;
  readonly stage: StageView['stage'];
  readonly mode: StageView['mode'];
}
const LOOPS: Record<LoopId, LoopWords> = {
  fixCode: { label: 'FIX code', count: 'codeFixes', words: 'code fixes', stage: 'generate', mode: 'FIX' },
  fixTests: { label: 'FIX tests', count: 'testFixes', words: 'test fixes', stage: 'test', mode: 'FIX' },
  improve: {
    label: 'IMPROVE',
    count: 'reviewCycles',
    words: 'review cycles',
    stage: 'generate',
    mode: 'IMPROVE',
  },
  revise: { label: 'REVISE', count: 'reResearch', words: 're-research', stage: 'research', mode: 'REVISE' },
};

const GATE_LABEL: Record<GateName, string> = {
  research: 'Gate research',
  code: 'Gate code',
  tests: 'Gate tests',
  review: 'Gate review',
  draft: 'Gate draft',
  publish: 'Gate publish',
};
const ANSWER_WORDS: Record<GateWord['decision'], string> = {
  approve: 'approved',
  request_changes: 'changes requested',
  reject: 'rejected',
};

/** What of a run's request the drawing shows. */
export type DrawnRequest = Pick<RunRequest, 'gates' | 'limits'>;

/** The stage where the run stands; undefined when it is over and went well. */
export function standsAt(view: RunView): StageView | undefined {
  return view.status === 'published' || view.status === 'finished' ? undefined : activeStage(view);
}

/** @param gates the newest answer at each gate */
export function drawingOf(view: RunView, request: DrawnRequest, gates: readonly GateWord[]): Drawing {
  const here = standsAt(view);
  const stages = view.stages.map((stage) => drawnStage(view, stage, stage === here));
  return {
    stages,
    gates: Object.values(GATE_OF).map((gate) => drawnGate(view, request, gate, gates)),
    loops: loopIds.map((loop) => drawnLoop(view, request.limits, loop)),
    text: drawingText(view, request.limits),
  };
}

const loopIds = Object.keys(LOOPS) as LoopId[];

function drawnStage(view: RunView, stage: StageView, stands: boolean): DrawnStage {
  const { mode, attempt } = stage;
  // At a gate the run stands at the gate, not in the stage before it.
  const here = stands && view.gate === null;
  const parts = [
    mode === null || mode === 'RUN' || attempt === 0 ? '' : mode,
    attempt > 1 ? `attempt ${attempt}` : '',
  ];
  return {
    stage: stage.stage,
    label: STAGE_LABEL[stage.stage],
    state: stage.state,
    detail: stage.state === 'pending' ? '' : parts.filter((part) => part !== '').join(' '),
    here,
  };
}

function drawnGate(
  view: RunView,
  request: DrawnRequest,
  gate: GateName,
  answers: readonly GateWord[],
): DrawnGate {
  const policy = isAutoGate({ gates: request.gates } as RunRequest, gate) ? 'auto' : 'ask';
  const answer = answers.find((one) => one.gate === gate);
  const here = view.gate === gate;
  const said = answer === undefined ? '' : `, ${ANSWER_WORDS[answer.decision]} ${byWhom(answer)}`;
  const means = policy === 'auto' ? 'goes on by itself' : 'asks you';
  return {
    gate,
    policy,
    answer: answer?.decision ?? null,
    here,
    text: `${GATE_LABEL[gate]}: ${here ? 'waits for you now' : `${means}${said}`}`,
  };
}

function byWhom({ by }: GateWord): string {
  return by === 'auto' ? 'by itself' : 'by you';
}

function drawnLoop(view: RunView, limits: Limits, loop: LoopId): DrawnLoop {
  const { label, count, stage, mode } = LOOPS[loop];
  const newest = view.stages.find((one) => one.stage === stage);
  const under = newest?.state === 'running' || newest?.state === 'paused';
  return {
    loop,
    label,
    used: view.counts[count],
    limit: limits[count],
    here: under && newest.mode === mode,
  };
}

function drawingText(view: RunView, limits: Limits): string {
  const here = standsAt(view);
  const where = here === undefined ? '' : `It stands at ${STAGE_LABEL[here.stage]}. `;
  const counts = loopIds.map((loop) => {
    const { count, words } = LOOPS[loop];
    return `${words} ${view.counts[count]} of ${limits[count]}`;
  });
  return `The pipeline: ${sentence(runSummary(view))} ${where}Used: ${counts.join(', ')}.`;
}
