/** The command line of bubblewrap: an empty root, into which only what is named is put. */
import type { Places } from './places.ts';

/** Programs and libraries of the system; what is not there on a machine is left out. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];

/** Of /etc only what programs need to start, to know names and times, and to check certificates. */
const CONFIGURATION = [
  ...['alternatives', 'crypto-policies', 'group', 'hosts', 'ld.so.cache', 'ld.so.conf'],
  ...[
    'ld.so.conf.d',
    'localtime',
    'mime.types',
    'nsswitch.conf',
    'os-release',
    'passwd',
    'pki/ca-trust',
    'protocols',
  ],
  ...[
    'pki/tls/cert.pem',
    'pki/tls/certs',
    'services',
    'ssl/cert.pem',
    'ssl/certs',
    'ssl/openssl.cnf',
    'timezone',
  ],
].map((name) => `/etc/${name}`);

interface Mount {
  readonly kind: '--ro-bind-try' | '--bind';
  readonly from: string;
  readonly at: string;
}

/** Outer folders first, so that what lies inside is put over them. */
function byDepth(mounts: readonly Mount[]): Mount[] {
  const depth = ({ at }: Mount): number => at.split('/').length;
  return [...mounts].sort((one, other) => depth(one) - depth(other));
}

/**
 * The arguments before the program: namespaces of its own for users, processes, the network (loopback only), messages and the
 * host's name; no capabilities, no terminal to type into, and its end with ours.
 * @param nesting whether user namespaces may be made inside; older versions can't forbid it
 */
export function bubblewrapped(program: string, places: Places, nesting: boolean): string[] {
  const mounts = byDepth([
    ...places.readable.map((path): Mount => ({ kind: '--ro-bind-try', from: path, at: path })),
    ...places.writable.map((path): Mount => ({ kind: '--bind', from: path, at: path })),
    ...places.copies.map(({ from, at }): Mount => ({ kind: '--bind', from, at })),
  ]);
  return [
    program,
    ...['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts'],
    ...['--unshare-cgroup-try', '--hostname', 'sandbox', '--cap-drop', 'ALL'],
    ...(nesting ? [] : ['--disable-userns']),
    ...['--die-with-parent', '--new-session'],
    ...[...SYSTEM, ...CONFIGURATION].flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--bind', places.temporary, '/tmp', '--bind', places.shared, '/dev/shm'],
    ...mounts.flatMap(({ kind, from, at }) => [kind, from, at]),
    ...['--remount-ro', '/', '--chdir', places.cwd, '--'],
  ];
}
