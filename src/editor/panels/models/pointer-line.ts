/** The line on which what a JSON pointer names begins, in a text of JSON or YAML. */
import yaml from 'js-yaml';

/** A value of the text with its place: of a mapping, keys and values take turns. */
interface Node {
  readonly line: number;
  readonly children: Node[];
  result: unknown;
}

/** 1-based; undefined where the text has no such place, or can't be read. */
export function lineOfPointer(text: string, pointer: string): number | undefined {
  if (pointer === '' || pointer === '/') return 1;
  if (!pointer.startsWith('/')) return undefined;
  const segments = pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const root = parse(text);
  return root === undefined ? undefined : follow(root, segments);
}

function parse(text: string): Node | undefined {
  const top: Node = { line: 1, children: [], result: undefined };
  const open: Node[] = [top];
  try {
    yaml.load(text, {
      schema: yaml.JSON_SCHEMA,
      json: true,
      listener: (event, state) => {
        if (event === 'open') {
          const node: Node = { line: state.line + 1, children: [], result: undefined };
          open.at(-1)?.children.push(node);
          open.push(node);
          return;
        }
        const node = open.pop();
        if (node === undefined) return;
        node.result = (state as { result?: unknown }).result;
      },
    });
  } catch {
    return undefined;
  }
  return top.children[0];
}

function follow(root: Node, segments: readonly string[]): number | undefined {
  let node = unwrapped(root);
  let line = 1;
  for (const segment of segments) {
    const found = Array.isArray(node.result) ? item(node, segment) : entry(node, segment);
    if (found === undefined) return undefined;
    ({ line } = found);
    node = unwrapped(found.value);
  }
  return line;
}

/** Where a block may begin, the parser first reads what stands there as a key: the value is then inside itself. */
function unwrapped(node: Node): Node {
  const [only, ...others] = node.children;
  const isInside =
    only !== undefined &&
    others.length === 0 &&
    typeof node.result === 'object' &&
    only.result === node.result;
  return isInside ? unwrapped(only) : node;
}

interface Found {
  readonly line: number;
  readonly value: Node;
}

function item(node: Node, segment: string): Found | undefined {
  const value = /^\d+$/.test(segment) ? node.children[Number(segment)] : undefined;
  const items = node.result as readonly unknown[];
  const isIt = value !== undefined && Object.is(value.result, items[Number(segment)]);
  return isIt ? { line: value.line, value } : undefined;
}

function entry(node: Node, segment: string): Found | undefined {
  const { result } = node;
  if (typeof result !== 'object' || result === null) return undefined;
  const wanted = (result as Record<string, unknown>)[segment];
  for (let index = 0; index + 1 < node.children.length; index += 2) {
    const [key, value] = [node.children[index], node.children[index + 1]];
    if (key === undefined || value === undefined) continue;
    // Whatever the parser tried and gave up again has another result.
    if (String(key.result) === segment && Object.is(value.result, wanted)) return { line: key.line, value };
  }
  return undefined;
}
