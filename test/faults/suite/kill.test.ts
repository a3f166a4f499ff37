/**
 * The built program, killed and resumed at lines that it writes; `npm run kill` does so at every one of them. Which ones
 * are taken here goes by the seed (`SOURCEWRIGHT_KILL_SEED`), which is in the test's name.
 */
import { withAgents } from '../kill/agents.ts';
import { at, linesOf } from '../kill/places.ts';
import type { Kill } from '../kill/sitting.ts';
import { compare, killed, LIBRARY, type Ran } from '../kill/world.ts';

const seed = Number(process.env['SOURCEWRIGHT_KILL_SEED'] ?? 1);

/** One in `every` of these, from a place that the seed chooses. */
function some<T>(all: readonly T[], every: number): T[] {
  return all.filter((_one, index) => (index + seed) % every === 0);
}

/** The end of which stage is not written down: its work is done again, so it is one that takes little. */
const SHORT = ['research', 'diagnose', 'review'];

function killsOf(lines: readonly string[], every: number): Kill[] {
  const short = SHORT[seed % SHORT.length];
  const chosen = new Set(some(lines, every));
  return lines.flatMap((what): Kill[] => {
    if (what === `journal.jsonl done ${short} 1`) return [{ when: 'before', what }];
    if (!chosen.has(what)) return [];
    // The work of long stages is not done twice here.
    const when = /journal\.jsonl done/.test(what) ? 'after' : seed % 2 === 0 ? 'torn' : 'after';
    return at(when, [what]);
  });
}

describe(`the program, killed (seed ${seed})`, function () {
  this.timeout(900_000);

  it('with rules, ends as if nothing had happened, and has committed once', async () => {
    const run = (kills: readonly Kill[]): Promise<Ran> => killed(LIBRARY, kills);
    const calm = await run([]);
    const kills = killsOf(linesOf(calm), 6);
    // The commit is made, and nobody has heard of it: before the line, if that is one of those, after which nothing is left to do.
    const end = kills.findIndex(({ what }) => what === 'journal.jsonl done publish 1');
    kills.splice(end < 0 ? kills.length : end, 0, { when: 'after', what: 'exit git update-ref' });
    compare(calm, await run(kills), kills);
  });

  it('with agents, asks the model for nothing twice but what was lost', async () => {
    const run = (kills: readonly Kill[]): Promise<Ran> => withAgents((subject) => killed(subject, kills));
    const calm = await run([]);
    const kills = killsOf(linesOf(calm), 14);
    compare(calm, await run(kills), kills);
  });
});
