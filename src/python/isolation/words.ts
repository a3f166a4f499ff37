import type { Isolation } from '../../pipeline/contracts.ts';

/** What confines, in a few words for a person. */
export function isolationWords(isolation: Isolation | undefined): string {
  if (isolation === undefined) return '';
  const name = {
    bubblewrap: 'in a sandbox (bubblewrap)',
    seatbelt: 'in a sandbox (sandbox-exec)',
    namespaces: 'in namespaces of its own',
    limits: 'within limits, without a sandbox',
    none: 'without a sandbox',
  }[isolation.kind];
  return isolation.reason === null ? name : `${name} (${isolation.reason})`;
}
