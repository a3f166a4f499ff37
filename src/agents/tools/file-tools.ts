/**
 * The file tools of an agent: the SDK's own, which keep to one folder, behind the path policy. Each path is judged as it
 * was given and again where it leads to, and answers name paths relative to the folder only.
 */
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import type { BetaRunnableTool, BetaToolRunContext } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import {
  betaEditTool,
  betaGrepTool,
  betaReadTool,
  betaWriteTool,
  resolvePath,
} from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { chmod, lstat, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, parse, relative, sep } from 'node:path';
import picomatch from 'picomatch';
import { z } from 'zod';
import { listFiles } from '../../workspace/files.ts';
import type { AgentTool } from '../contracts.ts';
import { PathPolicy, TEMPORARY_FILE, type Role } from '../policy/paths.ts';

export type FileToolKind = 'read' | 'write' | 'edit' | 'grep' | 'glob';

export interface FileToolOptions {
  /** The connector's folder, absolute. */
  readonly root: string;
  readonly role: Role;
  readonly kinds: readonly FileToolKind[];
}

/** What is read, and so what may be written, in one piece. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_LINES = 300;
const MAX_LINE = 500;
const MAX_PATHS = 500;
/** More wildcards than anyone needs, or repeated groups, would let a pattern match for minutes. */
const MAX_WILDCARDS = 4;

const filePath = z.string().min(1).describe("Path relative to the connector's folder: src/client.py");

/** One line of an input for the live feed. */
function shown(input: unknown, name: string): string {
  const value = (input as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  const line = typeof value === 'string' ? value.replace(/\s+/g, ' ').trim() : '?';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

function refused(why: string): ToolError {
  return new ToolError(`Refused: ${why}`);
}

async function textOf(tool: BetaRunnableTool, input: unknown, context?: BetaToolRunContext): Promise<string> {
  const answer = await tool.run(input, context);
  return typeof answer === 'string'
    ? answer
    : answer.map((part) => ('text' in part ? part.text : '')).join('\n');
}

/** How often one text stands in another. */
function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** The tools of one conversation. */
class FileTools {
  readonly #root: string;
  readonly #sdk: { readonly workdir: string; readonly maxFileBytes: number };
  readonly #policy: PathPolicy;
  #swept = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: string, role: Role) {
    this.#root = root;
    this.#sdk = { workdir: root, maxFileBytes: MAX_FILE_BYTES };
    this.#policy = new PathPolicy(role);
  }

  /** @throws ToolError `Refused: …`; otherwise the path without any link, relative to the folder. */
  async #place(path: string, use: 'readable' | 'writable'): Promise<string> {
    const given = this.#policy[use](path);
    if (given !== undefined) throw refused(given);
    let real: string;
    try {
      real = await resolvePath(this.#sdk, path);
    } catch (error) {
      throw error instanceof ToolError ? refused(`${error.message}.`) : error;
    }
    const place = relative(await resolvePath(this.#sdk, '.'), real).replaceAll(sep, '/');
    const there = this.#policy[use](place);
    if (there !== undefined) throw refused(place === path ? there : `${path} leads to ${place}: ${there}`);
    return place;
  }

  read(): AgentTool {
    const sdk = betaReadTool(this.#sdk);
    const tool = betaZodTool({
      name: 'read',
      description: `Reads a text file of the connector, at most ${MAX_FILE_BYTES / 1024} kB at once.`,
      inputSchema: z.strictObject({
        file_path: filePath,
        view_range: z
          .array(z.number().int())
          .length(2)
          .optional()
          .describe('First and last line, counted from 1; -1 as the last line is the end.'),
      }),
      run: async ({ file_path, ...range }) => {
        const text = await textOf(sdk, { file_path: await this.#place(file_path, 'readable'), ...range });
        return text === '' ? '(nothing stands there)' : text;
      },
    });
    return { tool, changes: false, label: (input) => `read ${shown(input, 'file_path')}` };
  }

  write(): AgentTool {
    const sdk = betaWriteTool(this.#sdk);
    const tool = betaZodTool({
      name: 'write',
      description: `Writes a whole text file; folders are made as needed. You may write ${this.#policy.role.words}.`,
      inputSchema: z.strictObject({ file_path: filePath, content: z.string() }),
      run: ({ file_path, content }) =>
        this.#inOrder(async () => {
          const place = await this.#place(file_path, 'writable');
          if (Buffer.byteLength(content) > MAX_FILE_BYTES) {
            throw new ToolError(`write: a file may have at most ${MAX_FILE_BYTES / 1024} kB. Divide it.`);
          }
          const target = join(this.#root, place);
          const isNew = await lstat(target).then(
            () => false,
            () => true,
          );
          // The SDK makes folders and files for their owner alone, which others of the connector are not.
          await mkdir(dirname(target), { recursive: true }).catch(() => undefined);
          const answer = await textOf(sdk, { file_path: place, content });
          if (isNew) await chmod(target, 0o644);
          return answer;
        }),
    });
    return { tool, changes: true, label: (input) => `write ${shown(input, 'file_path')}` };
  }

  edit(): AgentTool {
    const sdk = betaEditTool(this.#sdk);
    const tool = betaZodTool({
      name: 'edit',
      description: `Replaces old_string, which must stand in the file exactly once unless replace_all is set. You may edit ${this.#policy.role.words}.`,
      inputSchema: z.strictObject({
        file_path: filePath,
        old_string: z.string().min(1),
        new_string: z.string(),
        replace_all: z.boolean().optional(),
      }),
      run: ({ file_path, ...change }) =>
        this.#inOrder(async () => {
          const place = await this.#place(file_path, 'writable');
          const done = await this.#done(place, change.old_string, change.new_string);
          if (done === 0) return textOf(sdk, { file_path: place, ...change });
          // In the SDK's words: a replay makes the edit once, and has to get the same answer.
          return `edited ${place} (${change.replace_all === true ? done : 1} replacement(s))`;
        }),
    });
    return { tool, changes: true, label: (input) => `edit ${shown(input, 'file_path')}` };
  }

  /**
   * In how many places an edit was carried out before: its answer is lost when the process is ended in between, and then it
   * is asked for again. Where the new text holds the old one, doing it twice would do harm. 0 = it is still to be made.
   */
  async #done(place: string, before: string, after: string): Promise<number> {
    const path = join(this.#root, place);
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isFile() !== true || entry.size > MAX_FILE_BYTES || after === '') return 0;
    const text = await readFile(path, 'utf8');
    const done = count(text, after);
    return count(text, before) === done * count(after, before) ? done : 0;
  }

  grep(): AgentTool {
    // Without ripgrep, which the SDK does not take from allowed folders: it finds other files, in another order, than the
    // built-in search, and answers must be the same on each machine. The path is confined before, and the answer after.
    const sdk = betaGrepTool({ ...this.#sdk, allowedRoots: [parse(this.#root).root] });
    const tool = betaZodTool({
      name: 'grep',
      description: 'Searches the files of the connector, line by line, for a JavaScript regular expression.',
      inputSchema: z.strictObject({
        pattern: z.string().min(1).max(500),
        path: z.string().optional().describe('File or folder to search; all by default.'),
      }),
      run: async ({ pattern, path = '.' }, context) => {
        const place = await this.#place(path, 'readable');
        const found = await textOf(sdk, { pattern, path: place === '' ? '.' : place }, context);
        return this.#matches(found, await resolvePath(this.#sdk, '.'));
      },
    });
    const label = (input: unknown): string => {
      const path = shown(input, 'path');
      return `grep "${shown(input, 'pattern')}"${path === '?' ? '' : ` in ${path}`}`;
    };
    return { tool, changes: false, label };
  }

  /** What grep printed, in order and without what may not be read. */
  #matches(printed: string, root: string): string {
    const matches = printed.split('\n').flatMap((line) => {
      if (!line.startsWith(root + sep)) return [];
      const [, name, at, text] = /^(.*?):(\d+):(.*)$/.exec(line.slice(root.length + 1)) ?? [];
      const path = name?.replaceAll(sep, '/') ?? '';
      if (path === '' || this.#policy.readable(path) !== undefined) return [];
      return [{ path, line: Number(at), text: (text ?? '').slice(0, MAX_LINE) }];
    });
    matches.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
    const lines = matches.slice(0, MAX_LINES).map((match) => `${match.path}:${match.line}:${match.text}`);
    if (matches.length > MAX_LINES || /^\[(output truncated|the search was cut short)/m.test(printed)) {
      lines.push('[there are more matches than are shown: search for less, or in one folder]');
    }
    return lines.length === 0 ? 'no matches' : lines.join('\n');
  }

  glob(): AgentTool {
    const tool = betaZodTool({
      name: 'glob',
      description:
        'Lists the files of the connector whose paths match a pattern: src/**/*.py. In order of path.',
      inputSchema: z.strictObject({ pattern: z.string().min(1).max(200) }),
      run: async ({ pattern }) => {
        const wrong = this.#policy.readable(pattern.replace(/[*?[\]{}!,]/g, 'x'));
        if (wrong !== undefined) throw refused(wrong);
        if (/[()|+]/.test(pattern) || (pattern.match(/\*+|\?|\[|\{/g) ?? []).length > MAX_WILDCARDS) {
          throw new ToolError(`glob: a pattern has no groups and at most ${MAX_WILDCARDS} wildcards.`);
        }
        const isMatch = picomatch(pattern, { dot: true, basename: !pattern.includes('/'), noextglob: true });
        const { files } = await listFiles(this.#root);
        const paths = files.filter((path) => this.#policy.readable(path) === undefined && isMatch(path));
        if (paths.length === 0) return 'no matches';
        const left = paths.length - MAX_PATHS;
        return [...paths.slice(0, MAX_PATHS), ...(left > 0 ? [`[${left} more]`] : [])].join('\n');
      },
    });
    return { tool, changes: false, label: (input) => `glob ${shown(input, 'pattern')}` };
  }

  /** One change after the other: two edits of one file at once would lose the first. */
  async #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      await this.#sweep();
      return change();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Removes what a process that was ended while it wrote has left behind. */
  async #sweep(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    const { files } = await listFiles(this.#root);
    for (const path of files.filter((file) => TEMPORARY_FILE.test(file))) await rm(join(this.#root, path));
  }
}

/** The file tools of these kinds, for one role in one connector. */
export function fileTools(options: FileToolOptions): AgentTool[] {
  const tools = new FileTools(options.root, options.role);
  return options.kinds.map((kind) => tools[kind]());
}
