/** `sourcewright resume`: goes on with a run, with the person's decisions. Also `answer` and `cancel`. */
import { SourcewrightError } from '../../errors.ts';
import type {
  FindingAnswer,
  GateDecision,
  GateName,
  PipelineRun,
  RunView,
} from '../../pipeline/contracts.ts';
import { openRun } from '../../pipeline/run.ts';
import { findRun } from '../../store/runs.ts';
import { agentChoiceFrom, refuseForRules, type AgentWords } from '../agent-options.ts';
import { readCredentials } from '../credentials.ts';
import { deciding, drive } from '../drive.ts';
import { exitCodeOf, type ExitCode } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { printRun } from '../report.ts';
import { gateName, gateNames } from '../request.ts';
import { refuseReplay } from '../replay-mark.ts';
import { pipelineSetting, workspaceOf, type Session, type WorkspaceOptions } from '../session.ts';

export interface ResumeOptions extends WorkspaceOptions, AgentWords {
  readonly approve?: readonly string[];
  readonly requestChanges?: string;
  readonly reject?: string;
  readonly feedback?: string;
  readonly answer?: readonly string[];
  readonly auto?: boolean;
  /** Drive a run also where the person did not begin it here. */
  readonly adopt?: boolean;
  readonly credentials?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export async function resume(session: Session, name: string, options: ResumeOptions): Promise<ExitCode> {
  const decisions = decisionsFrom(options);
  const answers = (options.answer ?? []).map(answerFrom);
  return withRun(session, name, { ...options, decisions }, async (run, progress) => {
    const before = run.view();
    await refuseReplay(session, before.runDir);
    if (before.engine === 'rules') refuseForRules(options, 'Leave it out.');
    await giveAnswers(run, answers);
    refuseWrongGate(before, decisions);
    if (before.status === 'paused') await run.resume();
    const act = deciding(session.terminal, progress, {
      decisions,
      approveAll: options.auto ?? false,
      ask: session.terminal.interactive && options.json !== true,
    });
    return drive(run, progress, session.interrupts, act);
  });
}

/** `answer <run> ID=accept|reject …`: answers findings and leaves the run as it stands. */
export async function answer(
  session: Session,
  name: string,
  words: readonly string[],
  options: ResumeOptions,
): Promise<ExitCode> {
  const answers = words.map(answerFrom);
  await withRun(session, name, options, async (run) => {
    await giveAnswers(run, answers);
    return run.view();
  });
  return 0;
}

/** `cancel <run>`: ends a run; its files stay. */
export async function cancel(session: Session, name: string, options: ResumeOptions): Promise<ExitCode> {
  await withRun(session, name, options, async (run) => {
    await run.cancel();
    return run.settled();
  });
  return 0;
}

/** Opens a run, does something with it, says how it stands then, and lets go of it. */
async function withRun(
  session: Session,
  name: string,
  options: ResumeOptions & { readonly decisions?: ReadonlyMap<GateName, GateDecision> },
  act: (run: PipelineRun, progress: Progress) => Promise<RunView>,
): Promise<ExitCode> {
  const { terminal } = session;
  const runDir = await findRun(await workspaceOf(session, options), name);
  const credentials =
    options.credentials === undefined ? undefined : await readCredentials(options.credentials, terminal.env);
  const agents = await agentChoiceFrom(options, terminal.cwd);
  const progress = new Progress(terminal, { verbose: options.verbose ?? false });
  const dependencies = session.pipeline(
    pipelineSetting(progress, { verbose: options.verbose, credentials, agents }),
  );
  // The run decides its gates itself, so that suggestions are accepted as `generate --auto` does. What the person says of
  // findings or of a gate comes first: a gate that decides itself would pass it over.
  const allAlone = options.auto === true && (options.answer ?? []).length === 0;
  const autoApprove = (gate: GateName): boolean => allAlone && options.decisions?.has(gate) !== true;
  const run = await openRun(runDir, { ...dependencies, autoApprove, adopt: options.adopt ?? false });
  let view: RunView;
  try {
    view = await act(run, progress);
  } finally {
    await run.dispose();
  }
  await printRun(session, view, options.json);
  return exitCodeOf(view);
}

async function giveAnswers(run: PipelineRun, answers: readonly FindingAnswer[]): Promise<void> {
  if (answers.length === 0) return;
  const known = new Set((await run.findings())?.findings.map((finding) => finding.id));
  for (const given of answers) {
    if (!known.has(given.finding)) {
      throw new SourcewrightError('input', `The review has no finding "${given.finding}".`, {
        cure: 'List them with `sourcewright findings <run>`.',
      });
    }
  }
  for (const given of answers) await run.answer(given);
}

/** `ID=accept` or `ID=reject`. */
export function answerFrom(text: string): FindingAnswer {
  const match = /^([^=]+)=(accept|reject)(?:ed)?$/.exec(text);
  if (match?.[1] === undefined) {
    throw new SourcewrightError('input', `"${text}" is not an answer to a finding.`, {
      cure: 'Write the id of the finding, an equals sign, and accept or reject: 3f2a9c=accept',
    });
  }
  return { finding: match[1], answer: match[2] === 'accept' ? 'accepted' : 'rejected' };
}

function decisionsFrom(options: ResumeOptions): Map<GateName, GateDecision> {
  const decisions = new Map<GateName, GateDecision>();
  for (const gate of gateNames(options.approve ?? [])) decisions.set(gate, { kind: 'approve' });
  if (options.requestChanges !== undefined) {
    const feedback = options.feedback?.trim() ?? '';
    if (feedback === '') {
      throw new SourcewrightError('input', '--request-changes needs --feedback with what shall change.');
    }
    add(gateName(options.requestChanges), { kind: 'request_changes', feedback });
  }
  if (options.reject !== undefined) {
    const reason = options.feedback?.trim();
    add(gateName(options.reject), { kind: 'reject', ...(reason !== undefined && { reason }) });
  }
  return decisions;

  function add(gate: GateName, decision: GateDecision): void {
    if (decisions.has(gate)) {
      throw new SourcewrightError('input', `The gate "${gate}" is decided twice on this command line.`);
    }
    decisions.set(gate, decision);
  }
}

/** A decision that can't be used now is a mistake of the person's: better said than kept for later in silence. */
function refuseWrongGate(view: RunView, decisions: ReadonlyMap<GateName, GateDecision>): void {
  if (decisions.size === 0 || view.status === 'paused') return;
  if (view.status !== 'waiting' || view.gate === null) {
    throw new SourcewrightError('input', `This run waits at no gate; it is ${view.status}.`, {
      where: view.runId,
    });
  }
  if (!decisions.has(view.gate)) {
    throw new SourcewrightError('input', `This run waits at the gate "${view.gate}".`, {
      where: view.runId,
      cure: `Decide that one: --approve ${view.gate}`,
    });
  }
}
