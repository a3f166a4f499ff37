/** Mistakes that connectors are published with, one each: a connector's own tests must catch every one. */
import type { Defect } from '../liars/defect.ts';
import { agentFace } from '../liars/defects/agent-face.ts';
import { concurrency } from '../liars/defects/concurrency.ts';
import { credentials } from '../liars/defects/credentials.ts';
import { incremental } from '../liars/defects/incremental.ts';
import { paging } from '../liars/defects/paging.ts';
import { protocol } from '../liars/defects/protocol.ts';
import { requests } from '../liars/defects/requests.ts';
import { rows } from '../liars/defects/rows.ts';
import { trees } from '../liars/defects/trees.ts';

export type Mutant = Defect;

export const mutants: readonly Mutant[] = [
  ...paging,
  ...requests,
  ...credentials,
  ...incremental,
  ...rows,
  ...protocol,
  ...concurrency,
  ...agentFace,
  ...trees,
];
