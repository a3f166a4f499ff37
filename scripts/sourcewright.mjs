// `npm run sourcewright -- …`: the terminal program out of this checkout, built first where dist/ is missing or old.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfStale, installDependencies, NotReady, requireNode, root } from './setup.mjs';

const say = (line) => process.stderr.write(`${line}\n`);
try {
  requireNode();
  await installDependencies(say);
  await buildIfStale();
} catch (error) {
  say(error instanceof NotReady ? error.message : `Sourcewright could not be built. ${error.message}`);
  process.exit(4);
}
// npm runs scripts in the checkout; paths on the command line are meant from where the person is.
process.chdir(process.env.INIT_CWD ?? process.cwd());
if (process.env.npm_lifecycle_event === 'sourcewright')
  process.env.SOURCEWRIGHT_COMMAND ??= 'npm run sourcewright --';
const program = join(root, 'dist', 'cli.mjs');
process.argv = [process.execPath, program, ...process.argv.slice(2)];
await import(pathToFileURL(program).href);
