// Gathers what the extension says into media/l10n/bundle.l10n.json, from which translators start.   node scripts/l10n.mjs
// A translation lies beside it as bundle.l10n.<language>.json; that of the manifest is package.nls.<language>.json.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SPEAKER = join(root, 'src', 'editor', 'l10n.ts');
export const BUNDLE = join(root, 'media', 'l10n', 'bundle.l10n.json');

/** The messages of the code, and the places where one can't be found or a `{0}` has nothing to stand for. */
export async function gather() {
  const names = await readdir(join(root, 'src', 'editor'), { recursive: true });
  const files = names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(root, 'src', 'editor', name));
  const messages = new Set();
  const problems = [];
  for (const file of [...files, join(root, 'src', 'extension.ts')]) {
    if (file !== SPEAKER) look(file, await readFile(file, 'utf8'), messages, problems);
  }
  return { messages: [...messages].sort(), problems };
}

function look(file, content, messages, problems) {
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest, true);
  const speaking = new Set();
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    if (resolve(dirname(file), statement.moduleSpecifier.text) !== SPEAKER) continue;
    const named = statement.importClause?.namedBindings;
    for (const { name } of named?.elements ?? []) speaking.add(name.text);
  }
  const visit = (node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && speaking.has(node.expression.text)) {
      take(node);
    }
    ts.forEachChild(node, visit);
  };
  const take = (call) => {
    const [message, ...inserted] = call.arguments;
    const { line } = source.getLineAndCharacterOfPosition(call.getStart());
    const place = `${relative(root, file)}:${line + 1}`;
    if (ts.isStringLiteralLike(message)) {
      messages.add(message.text);
      const wanted = Math.max(
        -1,
        ...[...message.text.matchAll(/\{(\d+)\}/g)].map(([, index]) => Number(index)),
      );
      const isTable = call.expression.text === 'text';
      if (!isTable && wanted + 1 !== inserted.length)
        problems.push(`${place}: "${message.text}" and what is inserted differ`);
    } else if (ts.isTemplateExpression(message) || isSum(message)) {
      problems.push(`${place}: put what varies in as {0}`);
    }
  };
  visit(source);
}

function isSum(node) {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken;
}

/** The text of the bundle: each message under itself. */
export function bundleOf(messages) {
  return `${JSON.stringify(Object.fromEntries(messages.map((message) => [message, message])), null, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { messages, problems } = await gather();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  await writeFile(BUNDLE, bundleOf(messages));
  process.stdout.write(`${messages.length} messages\n`);
  if (problems.length > 0) process.exitCode = 1;
}
