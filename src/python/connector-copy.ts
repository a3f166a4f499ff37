/** Copies of a connector, for what may write into its folder and must not change it. */
import { constants, copyFile, mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listFiles } from '../workspace/files.ts';

/**
 * Copies what belongs to a connector: no caches, environments or histories, and no files that hold a person's credentials.
 * Links are copied as links.
 */
export async function copyConnector(from: string, to: string): Promise<void> {
  await mkdir(to);
  const { files, links } = await listFiles(from);
  const folders = new Set([...files, ...links].map((path) => dirname(path)));
  for (const folder of folders) await mkdir(join(to, folder), { recursive: true });
  await Promise.all(
    files.map((path) => copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE)),
  );
  for (const path of links) await symlink(await readlink(join(from, path)), join(to, path));
}
