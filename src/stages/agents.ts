/** The stages with agents: Claude does what the rules can't, behind the same contracts. */
import type { AgentRuntime } from '../agents/contracts.ts';
import { readTranscript, transcriptPath, usageOfRecords } from '../agents/transcript.ts';
import type { Stage, StageName, Stages } from '../pipeline/contracts.ts';
import type { StageDependencies } from './dependencies.ts';
import { createAgentDiagnose } from './diagnose/agent.ts';
import { createAgentGenerate } from './generate/agent.ts';
import { createAgentPublish } from './publish/agent.ts';
import { createAgentResearch } from './research/agent.ts';
import { createAgentReview } from './review/agent.ts';
import { createAgentTest } from './test/agent.ts';

/** All six stages of the engine `agents`. */
export function createAgentsStages(dependencies: StageDependencies, runtime: AgentRuntime): Stages {
  const prepared = <S extends StageName>(stage: Stage<S>): Stage<S> => counted(discreet(stage, runtime));
  return {
    research: prepared(createAgentResearch(dependencies, runtime)),
    generate: prepared(createAgentGenerate(dependencies, runtime)),
    test: prepared(createAgentTest(dependencies, runtime)),
    diagnose: prepared(createAgentDiagnose(dependencies, runtime)),
    review: prepared(createAgentReview(dependencies, runtime)),
    publish: prepared(createAgentPublish(dependencies, runtime)),
  };
}

/** What an attempt has cost in earlier sittings counts, also where nothing is left to be asked in this one. */
function counted<S extends StageName>(stage: Stage<S>): Stage<S> {
  return {
    name: stage.name,
    async run(context) {
      const { runDir, attempt } = context;
      const records = await readTranscript(transcriptPath(runDir, stage.name, attempt));
      if (records !== undefined) context.spent(usageOfRecords(records));
      return stage.run(context);
    },
  };
}

/** A person may type a secret: what stages say, ask and write of these words holds none. */
function discreet<S extends StageName>(stage: Stage<S>, runtime: AgentRuntime): Stage<S> {
  return {
    name: stage.name,
    async run(context) {
      const { feedback } = context;
      if (feedback === undefined || runtime.redact === undefined) return stage.run(context);
      const text = await runtime.redact(context, feedback.text);
      return stage.run({ ...context, feedback: { ...feedback, text } });
    },
  };
}
