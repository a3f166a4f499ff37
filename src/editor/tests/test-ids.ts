/** Ids of tests as pytest has them. */

/** Whether a test belongs to what an id stands for: itself, a case of it, a member of it, or any test for a folder. */
export function isBelow(id: string, of: string): boolean {
  if (id === of || id.startsWith(`${of}::`) || id.startsWith(`${of}/`)) return true;
  return id.startsWith(`${of}[`) && !of.includes('[');
}
