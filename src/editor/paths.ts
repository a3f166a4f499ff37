/**
 * Paths of the disk compared and taken apart as the system does: on Windows, case does not count, `C:` and `c:` are one drive (the
 * editor writes it small, a terminal large), and `\` parts. Pure: the system's way is the default, a test hands over another.
 */
import path, { type PlatformPath } from 'node:path';

/** Whether both name the same file or folder, as far as names tell. */
export function isSamePath(a: string, b: string, how: PlatformPath = path): boolean {
  return how.relative(a, b) === '';
}

/** The way from a folder down to what lies in it, with `/` between; '' = the folder itself, undefined = it lies elsewhere. */
export function pathInside(folder: string, target: string, how: PlatformPath = path): string | undefined {
  const inside = how.relative(folder, target);
  // Between two drives there is no relative way; a name may begin with two dots.
  if (how.isAbsolute(inside) || inside === '..' || inside.startsWith(`..${how.sep}`)) return undefined;
  return inside.split(how.sep).join('/');
}
