/**
 * What lies beside the suite and was not generated, but could make tests pass that fail: hooks, plugins, settings, modules that
 * stand in for others. Our own runs mind none of it where they can help it; whoever runs the tests by hand would.
 */
import { basename } from 'node:path';
import type { Finding, StageContext } from '../../pipeline/contracts.ts';
import { type Found, inspectFolder } from '../../python/folder-inspection.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { listFiles } from '../../workspace/files.ts';
import { generatedFiles, helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { type Difference, difference } from './integrity.ts';

type Kind = Found['kind'];

const RULES: Readonly<Record<Kind, readonly [rule: string, words: (what: string) => string]>> = {
  shadow: ['integrity-shadow', (what) => `It can be imported in the place of the module ${what}.`],
  reach: [
    'integrity-reach',
    (what) => `${what}: code has no use for what tests it, and could bend what comes of the tests.`,
  ],
  hook: ['integrity-hook', (what) => `${what} can leave tests out or bend their outcome.`],
  settings: [
    'integrity-settings',
    (what) => `${what} was not generated: it can leave tests out or load code that bends their outcome.`,
  ],
};

/** Files that by their name alone have a say in how tests run, with what can be said of them. */
const BY_NAME: readonly (readonly [RegExp, Finding['severity'], string])[] = [
  [
    /(^|\/)(conftest|sitecustomize|usercustomize)\.py$/,
    'error',
    'It is run before tests are and can bend their outcome. It is not minded here, but where the tests are run by hand.',
  ],
  [
    /\.pth$|\.dist-info\/entry_points\.txt$/,
    'error',
    'It can load code into every Python that is started, or plugins into pytest. It is not minded here.',
  ],
  [
    /^(\.?pytest\.(ini|toml)|tox\.ini|setup\.cfg|\.coveragerc)$/,
    'warning',
    'It can hold settings of pytest or coverage that leave tests out. It is not minded here: settings stand in pyproject.toml.',
  ],
  [
    /^(setup|noxfile)\.py$/,
    'warning',
    'It is code that runs when the connector is installed or its tests are run by hand; here it is not run.',
  ],
];

/** Below tests/ a `conftest.py` is the suite's own: its hooks are found when the suite is compared. */
function byName(path: string): Difference[] {
  const found = BY_NAME.find(([pattern]) => pattern.test(path));
  if (found === undefined || (path.startsWith('tests/') && basename(path) === 'conftest.py')) return [];
  const [, severity, message] = found;
  return [difference('integrity-beside', severity, message, { file: path })];
}

/** What is there beside the generated files. A person may want it; it is shown, never hidden. */
export async function besideSuite(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Difference[]> {
  const { connectorDir, signal } = context;
  const generated = new Map((await generatedFiles(d, context)).map(({ path, content }) => [path, content]));
  const { files, links } = await listFiles(connectorDir);
  const added = [...files, ...links].filter((path) => !generated.has(path));
  const found = await inspectFolder({
    connectorDir,
    // Also what was generated: an agent may have edited it.
    files,
    pyproject: generated.get('pyproject.toml') ?? '',
    script: await helperScript('inspect_folder.py'),
    environment,
    signal,
  });
  const read = found
    .filter(({ kind, path }) => kind !== 'shadow' || !generated.has(path))
    .map(({ kind, path, line, what }) => {
      const [rule, words] = RULES[kind];
      return difference(rule, 'error', words(what), { file: path, line, about: what });
    });
  return [...added.flatMap(byName), ...read];
}
