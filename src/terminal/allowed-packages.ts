/** Packages that connectors may ask for beside the known ones, as the variable `SOURCEWRIGHT_ALLOWED_PACKAGES` names them. */
export function allowedPackages(env: Readonly<Record<string, string | undefined>>): string[] {
  return (env['SOURCEWRIGHT_ALLOWED_PACKAGES'] ?? '').split(/[\s,]+/).filter((name) => name !== '');
}
