// Builds everything that runs outside the checkout into dist/ (and the editor suite into dist-test/).
//   node esbuild.mjs [--production] [--tests]
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const production = process.argv.includes('--production');
const withTests = process.argv.includes('--tests');
const startedAt = performance.now();

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minify: production,
  keepNames: production,
  sourcemap: production ? false : 'linked',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

/**
 * The extension starts with two small files. What is heavy (the state machine, schemas, parsers) is a bundle of its
 * own, loaded by the first command: `import('./engine.ts')` in src/editor becomes `require('./engine.cjs')`. The error
 * class is shared by both bundles, so that `instanceof` holds across them.
 */
const splitForTheEditor = {
  name: 'split-for-the-editor',
  setup(plugin) {
    plugin.onResolve({ filter: /\/engine\.ts$/ }, (args) =>
      args.kind === 'dynamic-import' ? { path: './engine.cjs', external: true } : undefined,
    );
    plugin.onResolve({ filter: /\/errors\.ts$/ }, (args) =>
      args.kind !== 'entry-point' && existsSync(join(args.resolveDir, args.path)) && isErrors(args)
        ? { path: './errors.cjs', external: true }
        : undefined,
    );
  },
};
const isErrors = (args) => join(args.resolveDir, args.path) === join(root, 'src', 'errors.ts');

const cjs = {
  ...common,
  format: 'cjs',
  external: ['vscode'],
  outExtension: { '.js': '.cjs' },
  // A dynamic import becomes a lazy require: the extension host loads bundles through its own `require`.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__moduleUrl' },
  banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
};
const esm = {
  ...common,
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  // CommonJS dependencies inside an ES module bundle still ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};

/** The panels' pages: one script each, which their content security policy admits by its nonce. */
const browser = {
  ...common,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  jsx: 'automatic',
  jsxImportSource: 'preact',
};

const present = (entries) => entries.filter((entry) => existsSync(join(root, entry)));

const results = await Promise.all([
  build({
    ...cjs,
    entryPoints: ['src/extension.ts', 'src/editor/engine.ts'],
    entryNames: '[name]',
    outdir: 'dist',
    plugins: [splitForTheEditor],
  }),
  build({ ...cjs, entryPoints: ['src/errors.ts'], outdir: 'dist' }),
  ...present(['src/cli.ts', 'src/openapi/description-worker.ts', 'src/threads/worker.ts']).map((entry) =>
    build({ ...esm, entryPoints: [entry], outdir: 'dist' }),
  ),
  ...present(['research', 'review', 'run'].map((kind) => `src/webview/${kind}/panel.tsx`)).map((entry) =>
    build({ ...browser, entryPoints: { [basename(dirname(entry))]: entry }, outdir: 'dist/webview' }),
  ),
  copyPython(),
  copyPrompts(),
  copySample(),
]);
await writeNotices(results.filter(Boolean));
if (withTests) await buildTests();

const sizes = [];
for (const name of await readdir(join(root, 'dist'))) {
  if (/\.[cm]js$/.test(name)) sizes.push(`${name} ${await kilobytes(join(root, 'dist', name))}`);
}
process.stderr.write(`built ${sizes.join(', ')} in ${Math.round(performance.now() - startedAt)} ms\n`);

/** The Python files: the compiler's template, our helper scripts and checks. Caches of a test run are left behind. */
async function copyPython() {
  const folders = {
    'src/blueprint/template': 'template',
    'src/python/scripts': 'python-scripts',
    'src/conformance/python/conformance': 'python-scripts/conformance',
  };
  const leftBehind =
    /^(__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.venv|.*\.egg-info|.*\.pyc|\.coverage)$/;
  await mkdir(join(root, 'dist'), { recursive: true });
  for (const [from, to] of Object.entries(folders)) {
    if (!existsSync(join(root, from))) continue;
    await rm(join(root, 'dist', to), { recursive: true, force: true });
    await cp(join(root, from), join(root, 'dist', to), {
      recursive: true,
      filter: (path) => !leftBehind.test(basename(path)),
    });
  }
}

/** The agents' prompts, read when an agent is asked. */
async function copyPrompts() {
  await rm(join(root, 'dist', 'prompts'), { recursive: true, force: true });
  await cp(join(root, 'src', 'agents', 'prompts'), join(root, 'dist', 'prompts'), { recursive: true });
}

/** The description that the wizard offers to those who only want to try. */
async function copySample() {
  const name = 'pagerduty.openapi.yaml';
  await mkdir(join(root, 'dist', 'sample'), { recursive: true });
  await cp(join(root, 'sample', name), join(root, 'dist', 'sample', name));
}

/** The licences of what is bundled, as those licences ask. */
async function writeNotices(built) {
  const packages = new Set();
  for (const input of built.flatMap((result) => Object.keys(result.metafile.inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const notices = [];
  for (const folder of [...packages].sort()) {
    const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(root, folder))).find((name) => /^licen[cs]e/i.test(name));
    const text =
      file === undefined
        ? 'No licence file in the package.'
        : await readFile(join(root, folder, file), 'utf8');
    notices.push(`${manifest.name} ${manifest.version} (${manifest.license})\n\n${text.trim()}\n`);
  }
  await writeFile(join(root, 'dist', 'THIRD_PARTY_NOTICES.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));
}

/** The suite that runs inside the editor: one CommonJS file for each test file; mocha itself stays in node_modules. */
async function buildTests() {
  const suite = join(root, 'test', 'extension');
  await rm(join(root, 'dist-test'), { recursive: true, force: true });
  const files = (await readdir(suite)).filter((name) => name === 'index.ts' || name.endsWith('.test.ts'));
  await build({
    ...cjs,
    outExtension: { '.js': '.js' },
    external: ['vscode', 'mocha'],
    minify: false,
    sourcemap: 'inline',
    entryPoints: files.map((name) => join('test', 'extension', name)),
    outdir: 'dist-test',
  });
  await writeFile(join(root, 'dist-test', 'package.json'), '{ "type": "commonjs" }\n');
}

async function kilobytes(path) {
  return `${Math.round((await stat(path)).size / 1024)} kB`;
}
