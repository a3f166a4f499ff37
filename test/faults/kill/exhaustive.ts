/**
 * `npm run kill`: kills runs at every line that they write and resumes them each time, and prints a table. A run with
 * rules and a run with scripted agents are each killed after, before and in the middle of every line in turn, and the run
 * with rules at effects outside of the journal. Names of chains on the command line leave out the others.
 */
import { withAgents } from './agents.ts';
import { at, EFFECTS, linesOf, RESUMING } from './places.ts';
import type { Kill } from './sitting.ts';
import { compare, killed, LIBRARY, type Ran } from './world.ts';

const WAYS = ['after', 'torn', 'before'] as const;
const wanted = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const rows: string[] = [];
let failures = 0;

async function chain(
  name: string,
  kills: readonly Kill[],
  run: (kills: readonly Kill[]) => Promise<Ran>,
  calm: Ran,
): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  say(`\n${name}: ${kills.length} kills`);
  let told = 'as the undisturbed run';
  let ran: Ran | undefined;
  try {
    ran = await run(kills);
    compare(calm, ran, kills);
  } catch (error) {
    failures += 1;
    told = `**${error instanceof Error ? error.message.split('\n')[0] : String(error)}**`;
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const again = ran === undefined ? 0 : Object.values(ran.begun).reduce((sum, times) => sum + times - 1, 0);
  const commits = ran?.end.git.filter((line) => /: \d+ commits$/.test(line)).join(', ') ?? '';
  const requests = ran === undefined ? '' : `${ran.requests} (${calm.requests})`;
  rows.push(`| ${name} | ${kills.length} | ${again} | ${requests} | ${commits} | ${told} |`);
  say(rows.at(-1) ?? '');
}

const wants = (engine: string): boolean =>
  wanted.length === 0 || wanted.some((name) => name.startsWith(engine));

if (wants('rules')) {
  const run = (kills: readonly Kill[]): Promise<Ran> => killed(LIBRARY, kills, say);
  const calm = await run([]);
  const lines = linesOf(calm);
  say(`rules: ${lines.length} lines`);
  for (const way of WAYS) await chain(`rules, ${way} a line`, at(way, lines), run, calm);
  const [first = '', second = ''] = lines;
  await chain('rules, while resuming', [...at('after', [first, second]), ...RESUMING], run, calm);
  await chain('rules, around effects', EFFECTS, run, calm);
}
if (wants('agents')) {
  const run = (kills: readonly Kill[]): Promise<Ran> => withAgents((subject) => killed(subject, kills, say));
  const calm = await run([]);
  const lines = linesOf(calm);
  say(`agents: ${lines.length} lines`);
  for (const way of WAYS) await chain(`agents, ${way} a line`, at(way, lines), run, calm);
}
say('\n| chain | kills | steps begun again | requests (undisturbed) | commits | ended |');
say('| --- | ---: | ---: | ---: | --- | --- |');
for (const row of rows) say(row);
process.exitCode = failures === 0 ? 0 : 1;
