/** Asks Python itself about emitted Python. */
import { spawnSync } from 'node:child_process';

/** Runs a script with a JSON value on its standard input and returns the JSON that it prints. */
export function askPython(script: string, input: unknown): unknown {
  const run = spawnSync('python3', ['-c', script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) throw new Error(run.stderr || String(run.error));
  return JSON.parse(run.stdout);
}

/**
 * What Python finds in a module: names defined at its top level, its docstring, each class's fields with their
 * keyword arguments, and every name and attribute that is called. Throws for a module that doesn't parse.
 */
export function parseModules(sources: Readonly<Record<string, string>>): Record<string, ParsedModule> {
  return askPython(PARSE, sources) as Record<string, ParsedModule>;
}

export interface ParsedModule {
  readonly names: string[];
  readonly classes: Record<string, string[]>;
  readonly docstrings: Record<string, string>;
  readonly called: string[];
  readonly longest: number;
}

const PARSE = `
import ast, json, sys
def look(source):
    tree = ast.parse(source)
    names, classes, docs, called = [], {}, {}, set()
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names.append(node.name)
            docs[node.name] = ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef):
            classes[node.name] = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
        if isinstance(node, ast.Assign):
            names.extend(t.id for t in node.targets)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called.add(ast.unparse(node.func))
    return {"names": names, "classes": classes, "docstrings": docs, "called": sorted(called),
            "longest": max(map(len, source.splitlines()), default=0)}
json.dump({path: look(source) for path, source in json.load(sys.stdin).items()}, sys.stdout)
`;
