/** The tree of a connector's tests, plain: files, classes, functions and their parametrised cases. */
import type { TestCase } from '../../pipeline/contracts.ts';
import { looksCollected, type FoundTests } from './find-tests.ts';

export interface TestNode {
  readonly kind: 'file' | 'class' | 'test' | 'case';
  /** As pytest prints it: `tests/test_read.py::TestX::test_y[param]`; its parent's is a beginning of it. */
  readonly id: string;
  readonly label: string;
  /** 1-based; undefined where nobody knows. */
  readonly line: number | undefined;
  readonly children: readonly TestNode[];
}

/** What is known of one file of tests. */
export interface TestFile {
  /** Relative to the connector's folder, with forward slashes. */
  readonly file: string;
  /** What stands in it now. */
  readonly found: FoundTests;
  /** It reads otherwise than it did when the cases were reported: a test that is no more to be found is gone. */
  readonly changed: boolean;
  /** The tests that pytest has met in it. */
  readonly cases: readonly Pick<TestCase, 'id' | 'line'>[];
}

/** A test's id in its parts: classes and function, and the brackets of a parametrised case. */
export interface TestPath {
  readonly names: readonly string[];
  readonly parameters: string | undefined;
}

/** The parts of an id inside its file; none for what stands for the file itself (it could not be collected). */
export function testPath(id: string, file: string): TestPath {
  if (!id.startsWith(`${file}::`)) return { names: [], parameters: undefined };
  const inside = id.slice(file.length + 2);
  const bracket = inside.indexOf('[');
  const head = bracket < 0 ? inside : inside.slice(0, bracket);
  return { names: head.split('::'), parameters: bracket < 0 ? undefined : inside.slice(bracket) };
}

interface Draft {
  readonly kind: TestNode['kind'];
  readonly id: string;
  readonly label: string;
  line: number | undefined;
  readonly children: Map<string, Draft>;
}

/** The node of a file with all below it, in the order of the report; tests that nobody ran yet come last. */
export function fileNode(of: TestFile): TestNode {
  const root = draft('file', of.file, of.file.replace(/^tests\//, ''), 1);
  const names = new Set([...of.found.keys()].map((path) => path.split('::').at(-1)));
  for (const { id, line } of of.cases) {
    const { names: path, parameters } = testPath(id, of.file);
    const name = path.at(-1);
    if (name === undefined || (of.changed && !names.has(name))) continue;
    const test = descend(root, path, of.found);
    test.line ??= line;
    if (parameters !== undefined && !test.children.has(parameters)) {
      test.children.set(parameters, draft('case', id, parameters, of.found.get(path.join('::')) ?? line));
    }
  }
  for (const path of of.found.keys()) if (looksCollected(path)) descend(root, path.split('::'), of.found);
  return finished(root);
}

/** The node at a path below a file, made where it is not there yet. */
function descend(root: Draft, path: readonly string[], found: FoundTests): Draft {
  let at = root;
  for (const [depth, name] of path.entries()) {
    const known = at.children.get(name);
    const kind = depth === path.length - 1 ? 'test' : 'class';
    const line = found.get(path.slice(0, depth + 1).join('::'));
    const next = known ?? draft(kind, `${at.id}::${name}`, name, line);
    at.children.set(name, next);
    at = next;
  }
  return at;
}

function draft(kind: TestNode['kind'], id: string, label: string, line: number | undefined): Draft {
  return { kind, id, label, line, children: new Map() };
}

function finished({ kind, id, label, line, children }: Draft): TestNode {
  return { kind, id, label, line, children: [...children.values()].map(finished) };
}
