/**
 * What the operating system says when a file can't be read or written, in words for the person. Most such failures are
 * worded where they happen; what comes from further below is worded here, and never shown as our own mistake.
 */

/** `code` of a failed system call (`ENOSPC`), or '' for anything else. */
export function systemCode(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return '';
}

const SAME_NAME = 'a folder and a file have the same name';
const NOT_ALLOWED = 'you have no permission';
const TOO_MANY = 'too many files are open';
const DRIVE_GONE = 'the network drive is not connected';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  EFBIG: 'it would be larger than files may be here',
  EROFS: 'the disk is read-only',
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
  EISDIR: SAME_NAME,
  ENOTDIR: SAME_NAME,
  EEXIST: SAME_NAME,
  ENOENT: 'it, or a folder above it, is gone',
  ENAMETOOLONG: 'its name or path is too long',
  ELOOP: 'links lead round in circles',
  EXDEV: 'it would have to move to another disk',
  EIO: 'the disk reports an error',
  ESTALE: 'the network drive has lost it',
  ENOTCONN: DRIVE_GONE,
  EBUSY: 'another program is using it',
  ENOTEMPTY: 'something was put into the folder meanwhile',
};

const PERMIT = 'Give yourself permission to read and write there, then resume.';
const CLOSE = 'Close other programs, then resume.';
const CONNECT = 'Connect the drive again, then resume.';

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space, then resume.',
  EDQUOT: 'Free some space, then resume.',
  EFBIG: 'Raise the limit for the size of files (ulimit -f), then resume.',
  EROFS: 'Make the disk writable, then resume.',
  EACCES: PERMIT,
  EPERM: PERMIT,
  EMFILE: CLOSE,
  ENFILE: CLOSE,
  EISDIR: 'Move the folder away that has the name of this file, then resume.',
  ENOTDIR: 'Move the file away that has the name of a folder above, then resume.',
  EEXIST: 'Move away what has the name of this file or of a folder above, then resume.',
  ENOENT: 'Put it back if you moved or deleted it, then resume.',
  ENAMETOOLONG: 'Work in a folder with a shorter path, then resume.',
  ELOOP: 'Replace the links by plain folders, then resume.',
  EIO: 'Check the disk, then resume.',
  ESTALE: CONNECT,
  ENOTCONN: CONNECT,
  EBUSY: 'Close what uses it, then resume.',
};

/** Why it failed, as the end of a sentence: `the disk is full (ENOSPC)`; undefined for no code. */
export function faultReason(code: string): string | undefined {
  const words = REASONS[code];
  if (code === '') return undefined;
  return words === undefined ? code : `${words} (${code})`;
}

export function faultCure(code: string): string {
  return CURES[code] ?? 'Check the disk and the permissions of this folder, then resume.';
}

export interface SystemFault {
  readonly message: string;
  readonly where: string | undefined;
  readonly cure: string;
}

/** The words for an error of the file system that nobody has worded; undefined where it is something else. */
export function systemFault(thrown: unknown): SystemFault | undefined {
  const code = systemCode(thrown);
  if (!(code in REASONS) || !(thrown instanceof Error)) return undefined;
  // A copy names two files: it is the second that can't be written.
  const { path, dest } = thrown as NodeJS.ErrnoException & { dest?: string };
  const where = code === 'ENOENT' ? path : (dest ?? path);
  return { message: `A file could not be used: ${faultReason(code) ?? code}.`, where, cure: faultCure(code) };
}
