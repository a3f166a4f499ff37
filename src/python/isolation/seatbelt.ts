/** The profile for `sandbox-exec`, as macOS has it. The last rule that fits an operation decides. */
import type { Places } from './places.ts';

export const SANDBOX_EXEC = '/usr/bin/sandbox-exec';

/** Devices that programs write to as a matter of course. */
const DEVICES = ['/dev/null', '/dev/zero', '/dev/tty', '/dev/dtracehelper', '/dev/random', '/dev/urandom'];

/** A text of the profile's language. Control characters have no place in a path of ours. */
function quoted(path: string): string {
  if (/\p{Cc}/u.test(path)) throw new Error('A path with control characters can’t stand in a profile.');
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function below(paths: readonly string[]): string {
  return paths.map((path) => `(subpath ${quoted(path)})`).join(' ');
}

/**
 * Reading everything of the system, but of homes and other volumes only what is named; writing only where it is named; the
 * network only to this machine; no word to the keychain or to processes outside.
 * @param homes folders of people; what lies below is not seen
 */
export function seatbeltProfile(places: Places, homes: readonly string[]): string {
  const writable = [...places.writable, places.temporary, ...places.copies.map(({ at }) => at)];
  return [
    '(version 1)',
    '(allow default)',
    '(deny network*)',
    '(allow network-bind network-inbound (local ip "localhost:*"))',
    '(allow network-outbound (remote ip "localhost:*"))',
    '(deny file-write*)',
    `(allow file-write* ${below(writable)} ${DEVICES.map((path) => `(literal ${quoted(path)})`).join(' ')})`,
    '(allow file-write* (regex #"^/dev/ttys[0-9]+$"))',
    // Git, the editor and a shell run what such files say, outside of any sandbox.
    '(deny file-write* (regex #"/\\.(git|vscode|venv|idea)(/|$)"))',
    `(deny file-read-data ${below([...homes, '/Volumes', '/private/tmp', '/private/var/folders'])})`,
    `(allow file-read* ${below([...places.readable, ...writable])})`,
    '(deny mach-lookup (global-name "com.apple.SecurityServer") (global-name "com.apple.securityd.xpc"))',
    '(deny mach-lookup (global-name "com.apple.coreservices.launchservicesd") (global-name "com.apple.pasteboard.1"))',
    '(deny appleevent-send)',
    '(deny signal)',
    '(allow signal (target same-sandbox))',
    '',
  ].join('\n');
}

/** The arguments before the program. */
export function seatbelted(places: Places, homes: readonly string[]): string[] {
  return [SANDBOX_EXEC, '-p', seatbeltProfile(places, homes)];
}
