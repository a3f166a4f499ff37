/** One connector's tests in the Test Explorer: the items, what pytest said of them last, and where they stand now. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { Range, Uri, workspace, type TestController, type TestItem, type TestItemCollection } from 'vscode';
import type { TestCase } from '../../pipeline/contracts.ts';
import type { EngineModule } from '../run-dependencies.ts';
import { isBelow } from './test-ids.ts';
import type { TestNode } from './test-tree.ts';
import { isSamePath, pathInside } from '../paths.ts';

/** Id of the node that stands for all tests of a connector, as pytest takes it. */
export const ALL_TESTS = 'tests';
const TEST_FILE = /^(test_.*|.*_test)\.py$/;

/** Kept in step with the files of one connector; made of what its runs reported. */
export class ConnectorTests {
  readonly connectorDir: string;
  /** The workspace that holds `.sourcewright/`, as the connector's runs know it. */
  readonly workspace: string;
  readonly item: TestItem;
  readonly #controller: TestController;
  readonly #reading: EngineModule['testReading'];
  readonly #cases = new Map<string, TestCase>();
  /** When the cases of a file were true of it, in milliseconds. */
  readonly #asOf = new Map<string, number>();
  readonly #items = new Map<string, TestItem>();
  readonly #nodes = new Map<string, TestNode>();

  constructor(
    controller: TestController,
    reading: EngineModule['testReading'],
    connectorDir: string,
    root: string,
  ) {
    this.#controller = controller;
    this.#reading = reading;
    this.connectorDir = connectorDir;
    this.workspace = root;
    const at = Uri.file(connectorDir);
    this.item = controller.createTestItem(connectorDir, basename(connectorDir), at);
    this.item.description = workspace.asRelativePath(at, false).split('/').slice(0, -1).join('/');
    controller.items.add(this.item);
  }

  /** The item of a test, class or file, by its id at pytest. */
  itemOf(id: string): TestItem | undefined {
    return id === ALL_TESTS ? this.item : this.#items.get(id);
  }

  /** Everything below the connector, as pytest names it. */
  root(): { readonly id: string; readonly children: readonly TestNode[] } {
    return { id: ALL_TESTS, children: [...this.#nodes.values()] };
  }

  /** The id at pytest that an item stands for; undefined where it belongs to another connector. */
  idOf(item: TestItem): string | undefined {
    if (item === this.item) return ALL_TESTS;
    return this.#items.get(item.id) === item ? item.id : undefined;
  }

  node(id: string): { readonly id: string; readonly children: readonly TestNode[] } | undefined {
    if (id === ALL_TESTS) return this.root();
    const search = (nodes: readonly TestNode[]): TestNode | undefined => {
      const near = nodes.find((node) => isBelow(id, node.id));
      return near === undefined || near.id === id ? near : search(near.children);
    };
    return search([...this.#nodes.values()]);
  }

  /** Everything that was reported, in the order of the report. */
  cases(): readonly TestCase[] {
    return [...this.#cases.values()];
  }

  /**
   * Takes what pytest said in a run that began at `asOf`: of all tests, or of those that were chosen. What it was asked
   * about and did not meet is no longer there.
   */
  async take(
    cases: readonly TestCase[],
    asOf: number,
    chosen: readonly string[] = [ALL_TESTS],
  ): Promise<void> {
    const met = new Set(cases.map(({ id }) => id));
    for (const id of [...this.#cases.keys()]) {
      if (!met.has(id) && chosen.some((of) => isBelow(id, of))) this.#cases.delete(id);
    }
    for (const entry of cases) {
      this.#cases.set(entry.id, entry);
      this.#asOf.set(entry.file, asOf);
    }
    await this.refresh();
  }

  /** Reads the folder of tests again. A connector that is no longer there has no items. */
  async refresh(): Promise<void> {
    const files = await testFiles(this.connectorDir);
    const order = [...new Set([...this.cases().map(({ file }) => file), ...files])];
    const nodes = await Promise.all(
      order.filter((file) => files.includes(file)).map((file) => this.#read(file)),
    );
    this.#nodes.clear();
    // A file stays while it is broken and nothing can be found in it: there was something, and will be again.
    const known = new Set(this.cases().map(({ file }) => file));
    for (const node of nodes)
      if (node.children.length > 0 || known.has(node.id)) this.#nodes.set(node.id, node);
    this.#show();
  }

  /** Places the tests of a file by a text that is not saved yet. False where the file is none of this connector's. */
  edited(path: string, text: string): boolean {
    const file = pathInside(this.connectorDir, path);
    if (file === undefined || !this.#nodes.has(file)) return false;
    this.#nodes.set(file, this.#node(file, text, true));
    this.#show();
    return true;
  }

  async #read(file: string): Promise<TestNode> {
    const path = join(this.connectorDir, file);
    const open = workspace.textDocuments.find(
      (document) => document.isDirty && isSamePath(document.uri.fsPath, path),
    );
    if (open !== undefined) return this.#node(file, open.getText(), true);
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return this.#node(file, text, mtimeMs > (this.#asOf.get(file) ?? 0));
  }

  #node(file: string, text: string, changed: boolean): TestNode {
    const cases = this.cases().filter((entry) => entry.file === file);
    const { fileNode, findTests } = this.#reading;
    return fileNode({ file, found: findTests(text), changed, cases });
  }

  #show(): void {
    this.#items.clear();
    this.#sync(this.item.children, [...this.#nodes.values()]);
  }

  #sync(into: TestItemCollection, nodes: readonly TestNode[], file?: string): void {
    const wanted = new Set(nodes.map(({ id }) => id));
    into.forEach((item) => {
      if (!wanted.has(item.id)) into.delete(item.id);
    });
    for (const [index, node] of nodes.entries()) {
      const of = file ?? node.id;
      const item = into.get(node.id) ?? this.#create(into, node, of);
      // In the order of the file; cases, which share a line, in that of the report.
      item.sortText =
        node.kind === 'file' ? node.label : String(node.line ?? 0).padStart(6, '0') + padded(index);
      item.range = node.line === undefined ? undefined : new Range(node.line - 1, 0, node.line - 1, 0);
      this.#items.set(node.id, item);
      this.#sync(item.children, node.children, of);
    }
  }

  #create(into: TestItemCollection, { id, label }: TestNode, file: string): TestItem {
    const item = this.#controller.createTestItem(id, label, Uri.file(join(this.connectorDir, file)));
    into.add(item);
    return item;
  }
}

const padded = (index: number): string => String(index).padStart(5, '0');

/** The test files of a connector, sorted; none where its folder is gone. */
async function testFiles(connectorDir: string): Promise<string[]> {
  try {
    const entries = await readdir(join(connectorDir, 'tests'), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && TEST_FILE.test(entry.name))
      .map((entry) => relative(connectorDir, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
