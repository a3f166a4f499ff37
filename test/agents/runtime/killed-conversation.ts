/** A process that holds a conversation and is killed right after one of its writes: see resume.test.ts. */
import { createAgentRuntime } from '../../../src/agents/runtime.ts';
import { Limits } from '../../../src/pipeline/contracts.ts';
import { nodeFiles } from '../../../src/store/files.ts';
import { LOOPBACK_KEY } from '../loopback/index.ts';
import { Answer, note } from './support.ts';

const [url = '', folder = '', after = ''] = process.argv.slice(2);
let writes = 0;
const openAppend = nodeFiles.openAppend.bind(nodeFiles);
nodeFiles.openAppend = async (path) => {
  const file = await openAppend(path);
  return {
    ...file,
    append: async (text) => {
      await file.append(text);
      writes += 1;
      if (writes === Number(after)) process.kill(process.pid, 'SIGKILL');
    },
  };
};
const runtime = createAgentRuntime({
  apiKey: () => Promise.resolve(LOOPBACK_KEY),
  baseUrl: url,
  promptsDir: `${folder}/prompts`,
  log: () => undefined,
});
await runtime.run({
  context: {
    runId: 'r1',
    request: {
      source: { kind: 'name', location: 'colours' },
      workspace: folder,
      outDir: folder,
      engine: 'agents',
      gates: {},
      limits: Limits.parse({}),
      probe: false,
    },
    runDir: `${folder}/run`,
    connectorDir: `${folder}/connectors/source-colours`,
    mode: 'RUN',
    attempt: 1,
    feedback: undefined,
    draft: false,
    signal: new AbortController().signal,
    progress: () => undefined,
    activity: () => undefined,
    spent: () => undefined,
    readArtifact: () => Promise.resolve(undefined),
    writeArtifact: () => Promise.resolve(),
  },
  stage: 'research',
  prompt: 'colours',
  given: [{ title: 'Asked', text: 'Which colour has the sky?', stable: false }],
  tools: [note(`${folder}/notes.txt`)],
  result: { name: 'answer', schema: Answer },
});
process.stdout.write(`ended after ${writes} writes\n`);
