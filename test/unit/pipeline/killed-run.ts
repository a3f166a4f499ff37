/** A program that starts a run in the folder it is given, and is killed in the middle of the test stage. */
import { setTimeout } from 'node:timers/promises';
import { startRun } from '../../../src/pipeline/run.ts';
import { dependencies, request, scripted } from './scripted.ts';

const [workspace = ''] = process.argv.slice(2);
const stages = scripted({
  async test(context) {
    context.progress('Half of the tests have run');
    // Long enough for run.json to say that the run is running.
    await setTimeout(700);
    process.kill(process.pid, 'SIGKILL');
    return setTimeout(60_000, { status: 'paused', cause: 'person', message: '', cure: '' } as const);
  },
});
await startRun(request(workspace), dependencies(stages));
