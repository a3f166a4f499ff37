/**
 * Confines what runs foreign code: what a model or a person wrote, and packages from an index. A command is given what it is
 * started through; whoever runs it puts that before.
 */
import { realpath } from 'node:fs/promises';
import { SourcewrightError } from '../../errors.ts';
import type { Isolation, IsolationPolicy } from '../../pipeline/contracts.ts';
import { DEFAULT_LIMITS, type Limits, scriptsFolder, supervised } from './limits.ts';
import { placesOf, type PlacesRequest } from './places.ts';
import { findSandbox, LIMITS_ONLY, type Sandbox, type SandboxPrograms } from './sandboxes.ts';

export interface ConfineRequest extends Omit<PlacesRequest, 'copies' | 'readable' | 'writable'> {
  /** The person's word; absent = `auto`. */
  readonly policy: IsolationPolicy | undefined;
  readonly readable?: readonly string[];
  readonly writable?: readonly string[];
  /** Folders that are shown in the place of others where the sandbox can do that. */
  readonly copies?: PlacesRequest['copies'];
  readonly limits?: Partial<Limits> | undefined;
  /** Where the sandboxes' programs lie; absent = in the system's places. */
  readonly programs?: SandboxPrograms | undefined;
}

export interface Confinement {
  /** Program and arguments that come before the command; empty where it is started as it is. */
  readonly within: readonly string[];
  readonly isolation: Isolation;
  /** Whether the copies are what runs. */
  readonly copied: boolean;
}

const SEALED: ReadonlySet<Isolation['kind']> = new Set(['bubblewrap', 'seatbelt']);

function refuse(sandbox: Sandbox, reason: string | null): SourcewrightError {
  return new SourcewrightError(
    'environment',
    `Foreign code is not run without a sandbox, and there is none: ${reason ?? 'unknown'}.`,
    {
      where: 'sourcewright.tests.isolation = require',
      cure:
        process.platform === 'linux'
          ? 'Install bubblewrap (Debian and Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap) and allow user namespaces, or set the isolation to "auto", then resume.'
          : 'Set the isolation to "auto", then resume: time, environment and what the system can limit stay limited.',
    },
  );
}

/**
 * How a command is to be started, and what that gives.
 * @throws SourcewrightError `environment` where a sandbox is required and none works
 */
export async function confine(request: ConfineRequest): Promise<Confinement> {
  const { policy = 'auto', python } = request;
  if (policy === 'off') {
    const lacks = [...LIMITS_ONLY.lacks, 'memory, processes and files are not limited'];
    return { within: [], isolation: { kind: 'none', lacks, reason: 'it is switched off' }, copied: false };
  }
  const { sandbox, reason } = await findSandbox(python, request.programs);
  if (policy === 'require' && !SEALED.has(sandbox.kind)) throw refuse(sandbox, reason);
  const isolation: Isolation = { kind: sandbox.kind, lacks: [...sandbox.lacks], reason };
  if (sandbox.kind === 'none') return { within: [], isolation, copied: false };
  const asked = await placesOf({
    ...request,
    readable: [...(request.readable ?? []), scriptsFolder()],
    writable: request.writable ?? [],
    copies: sandbox.copies ? (request.copies ?? []) : [],
  });
  // sandbox-exec judges paths without links.
  const real = (paths: readonly string[]): Promise<string[]> =>
    Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  const places =
    sandbox.kind === 'seatbelt'
      ? { ...asked, readable: await real(asked.readable), writable: await real(asked.writable) }
      : asked;
  const watched = [...places.writable, ...places.copies.map(({ from }) => from)];
  const limits = { ...DEFAULT_LIMITS, ...request.limits };
  return {
    within: [...supervised(python, limits, outermost(watched), !sandbox.endsAll), ...sandbox.wrap(places)],
    isolation,
    copied: places.copies.length > 0,
  };
}

/** Without those that lie in another: each file counts once. */
function outermost(paths: readonly string[]): string[] {
  return paths.filter((path) => !paths.some((other) => other !== path && path.startsWith(`${other}/`)));
}
