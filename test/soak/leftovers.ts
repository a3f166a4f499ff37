/** Whether a path in a workspace is what only a run that died leaves: a lock, or half of a file. */
export function isLeftover(path: string): boolean {
  // The connector's own list of packages has the name of a lock as well.
  if (/(^|[/\\])requirements\.lock$/.test(path)) return false;
  return /\.tmp$|\.lock$|runs[/\\][^/\\]+[/\\]lock$|\.after-/.test(path);
}
