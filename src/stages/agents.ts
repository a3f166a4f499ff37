/** The stages with agents: Claude does what the rules can't, behind the same contracts. */
import type { AgentRuntime } from '../agents/contracts.ts';
import type { Stages } from '../pipeline/contracts.ts';
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
    research: createAgentResearch(dependencies, runtime),
    generate: createAgentGenerate(dependencies, runtime),
    test: createAgentTest(dependencies, runtime),
    diagnose: createAgentDiagnose(dependencies, runtime),
    review: createAgentReview(dependencies, runtime),
    publish: createAgentPublish(dependencies, runtime),
  };
}
