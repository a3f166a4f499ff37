/** Files that want tests to pass which fail, wherever they lie in a connector: the real pytest, in the real stage. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TestReport } from '../../../src/pipeline/contracts.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { connectorWorkbench, type Workbench } from '../stages/support/context.ts';

/** Every failure becomes a success. */
const FLIP = `import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
`;
/** The same without the name of a hook, and without a word that a reader of the syntax could look for. */
const HIDDEN_FLIP = `import sys

runner = sys.modules["_py" + "test.runner"]
honest = getattr(runner, "py" + "test_runtest_makereport")


def lie(item, call):
    call.excinfo = None
    return honest(item, call)


for plugin in list(sys.modules["_py" + "test.config"].__dict__.get("nothing", [])):
    pass
import gc

for one in gc.get_objects():
    if type(one).__name__ == "HookImpl" and getattr(one, "function", None) is honest:
        one.function = lie
`;
/** Fails whatever the code does, so that only a bent outcome is a success. */
const RED = `def test_red():
    assert False
`;
const INI = '[pytest]\naddopts = -p evil\npython_functions = nothing\npython_files = nothing.py\n';

interface Attack {
  readonly by: string;
  readonly files: Readonly<Record<string, string>>;
  /** Findings of integrity, as \`rule file\`. */
  readonly found: readonly string[];
  /** \`failed\` as it should, or no verdict at all: never passed. */
  readonly verdict: 'failed' | 'unusable';
}

const ATTACKS: readonly Attack[] = [
  {
    by: 'a hook in conftest.py beside tests/',
    files: { 'conftest.py': FLIP },
    found: ['integrity-beside conftest.py', 'integrity-hook conftest.py', 'integrity-reach conftest.py'],
    verdict: 'failed',
  },
  {
    by: 'a hook in the suite’s own conftest.py',
    files: { 'tests/conftest.py': FLIP },
    found: ['integrity-hook tests/conftest.py'],
    verdict: 'unusable',
  },
  {
    by: 'a hook in a conftest.py further down',
    files: { 'tests/deep/conftest.py': FLIP, 'tests/deep/test_deep.py': RED },
    found: ['integrity-hook tests/deep/conftest.py'],
    verdict: 'failed',
  },
  {
    by: 'a plugin that conftest.py names',
    files: { 'tests/conftest.py': 'pytest_plugins = ["evil"]\n', 'evil.py': FLIP },
    found: ['integrity-hook evil.py', 'integrity-hook tests/conftest.py', 'integrity-reach evil.py'],
    verdict: 'unusable',
  },
  {
    by: 'a plugin in the code, by a star',
    files: { 'tests/conftest.py': 'from src.evil import *\n', 'src/evil.py': FLIP },
    found: ['integrity-hook src/evil.py', 'integrity-reach src/evil.py'],
    verdict: 'unusable',
  },
  {
    by: 'code that changes pytest from within',
    files: { 'src/__init__.py': `from .tides import CONNECTORS, FETCH_CONNECTORS, height\n\n${HIDDEN_FLIP}` },
    found: [],
    verdict: 'unusable',
  },
  {
    by: 'a test that changes pytest from within',
    files: { 'tests/test_a.py': HIDDEN_FLIP },
    found: [],
    verdict: 'unusable',
  },
  {
    by: 'pytest.ini',
    files: { 'pytest.ini': INI, 'evil.py': FLIP },
    found: ['integrity-beside pytest.ini', 'integrity-hook evil.py', 'integrity-reach evil.py'],
    verdict: 'failed',
  },
  {
    by: 'tox.ini',
    files: { 'tox.ini': INI, 'evil.py': FLIP },
    found: ['integrity-beside tox.ini', 'integrity-hook evil.py', 'integrity-reach evil.py'],
    verdict: 'failed',
  },
  {
    by: 'setup.cfg and setup.py',
    files: { 'setup.cfg': INI.replace('[pytest]', '[tool:pytest]'), 'setup.py': 'raise SystemExit(0)\n' },
    found: ['integrity-beside setup.cfg', 'integrity-beside setup.py'],
    verdict: 'failed',
  },
  {
    by: 'settings in pyproject.toml',
    files: {
      'pyproject.toml':
        '[tool.pytest.ini_options]\naddopts = "-p evil"\n[project.entry-points.pytest11]\nevil = "evil"\n[tool.coverage.run]\nplugins = ["evil"]\n',
      'evil.py': FLIP,
    },
    found: [
      'integrity-hook evil.py',
      'integrity-reach evil.py',
      ...Array.from({ length: 3 }, () => 'integrity-settings pyproject.toml'),
    ],
    verdict: 'failed',
  },
  {
    by: 'a plugin of coverage',
    files: { '.coveragerc': '[run]\nplugins = evil\n', 'evil.py': FLIP },
    found: ['integrity-beside .coveragerc', 'integrity-hook evil.py', 'integrity-reach evil.py'],
    verdict: 'failed',
  },
  {
    by: 'a plugin of a distribution that lies there',
    files: {
      'evil-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n',
      'evil-1.0.dist-info/entry_points.txt': '[pytest11]\nevil = evil\n',
      'evil.py': FLIP,
    },
    found: [
      'integrity-beside evil-1.0.dist-info/entry_points.txt',
      'integrity-hook evil.py',
      'integrity-reach evil.py',
    ],
    verdict: 'failed',
  },
  {
    by: 'modules that start with Python',
    files: {
      'sitecustomize.py': FLIP,
      'usercustomize.py': FLIP,
      'evil.pth': 'import evil\n',
      'src/sitecustomize.py': FLIP,
    },
    found: [
      'integrity-beside evil.pth',
      ...['sitecustomize.py', 'src/sitecustomize.py', 'usercustomize.py'].flatMap((path) =>
        ['beside', 'hook', 'reach'].map((rule) => `integrity-${rule} ${path}`),
      ),
    ],
    verdict: 'failed',
  },
  {
    by: 'a pytest of its own',
    files: { 'pytest.py': 'raise SystemExit(0)\n', '_pytest/__init__.py': '', 'pytest_cov/__init__.py': '' },
    found: [
      'integrity-shadow _pytest/__init__.py',
      'integrity-shadow pytest.py',
      'integrity-shadow pytest_cov/__init__.py',
    ],
    verdict: 'failed',
  },
  {
    by: 'stand-ins beside the tests',
    files: { 'tests/deep/json.py': '', 'tests/deep/pydantic.py': '' },
    found: ['integrity-shadow tests/deep/json.py', 'integrity-shadow tests/deep/pydantic.py'],
    verdict: 'failed',
  },
  {
    by: 'code that asks whether it is tested',
    files: {
      'src/tides.py':
        'import os\n\nTESTED = "PYTEST_CURRENT_TEST" in os.environ\nheight = CONNECTORS = FETCH_CONNECTORS = None\n',
    },
    found: ['integrity-reach src/tides.py'],
    verdict: 'failed',
  },
  {
    by: 'an exit of the interpreter',
    files: { 'tests/test_a.py': 'import os\n\nos._exit(0)\n' },
    found: [],
    verdict: 'unusable',
  },
];

describe('files that bend the outcome of tests', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  async function report(files: Readonly<Record<string, string>>): Promise<TestReport> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(bench.connectorDir, path)), { recursive: true });
      await writeFile(join(bench.connectorDir, path), text);
    }
    await createRulesTest(bench.dependencies({})).run(bench.context({}));
    return TestReport.parse(await bench.artifact('test-report.json'));
  }

  for (const { by, files, found, verdict } of ATTACKS) {
    it(`is not believed: ${by}`, async () => {
      const { integrity, ...made } = await report({ 'tests/test_red.py': RED, ...files });
      assert.equal(made.verdict, verdict, made.reason);
      const told = integrity.map(({ rule, range }) => `${rule} ${range.file}`).sort();
      const expected = new Set([...found].sort());
      assert.deepEqual(
        [...new Set(told)].filter((line) => expected.has(line)),
        [...expected],
        told.join('\n'),
      );
    });
  }

  it('has nothing against a connector with helpers and tests of its own', async () => {
    const { integrity, verdict } = await report({
      'tools/load.py': 'import json\n',
      'tests/helpers.py': 'import json\n',
      'tests/test_more.py':
        'from tests.helpers import json\n\n\ndef test_more():\n    assert json.loads("1") == 1\n',
      'tests/test_later.py': 'import pytest\n\npytest.skip("later", allow_module_level=True)\n',
    });
    assert.equal(verdict, 'passed');
    assert.deepEqual(
      integrity.map(({ rule, range }) => `${rule} ${range.file}`),
      ['integrity-skip tests/test_later.py'],
    );
  });
});
