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
  return {
    research: counted(createAgentResearch(dependencies, runtime)),
    generate: counted(createAgentGenerate(dependencies, runtime)),
    test: counted(createAgentTest(dependencies, runtime)),
    diagnose: counted(createAgentDiagnose(dependencies, runtime)),
    review: counted(createAgentReview(dependencies, runtime)),
    publish: counted(createAgentPublish(dependencies, runtime)),
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
