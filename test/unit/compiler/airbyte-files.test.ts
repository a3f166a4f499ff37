import assert from 'node:assert/strict';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { airbyteClass } from '../../../src/blueprint/compiler/project.ts';
import { shop, tickets } from '../../python/blueprints.ts';

const templateDir = join(import.meta.dirname, '../../../src/blueprint/template');

describe('files for Airbyte’s suites', () => {
  it('names the class as Python’s str.title() does', () => {
    assert.equal(airbyteClass('google-calendar'), 'SourceGoogleCalendar');
    assert.equal(airbyteClass('k8s'), 'SourceK8S');
    assert.equal(airbyteClass('a-1b'), 'SourceA1B');
  });

  it('lists every configuration that it names in a file of the connector or in the folder that git ignores', () => {
    const files = new Map(
      compileConnector(shop, { templateDir }).map((file) => [file.path, file.content] as const),
    );
    const acceptance = load(files.get('acceptance-test-config.yml') ?? '') as {
      acceptance_tests: Record<string, { tests: { config_path: string; status?: string }[] }>;
    };
    const tests = Object.values(acceptance.acceptance_tests).flatMap((section) => section.tests);
    assert.ok(tests.length > 4);
    for (const { config_path: path, status } of tests) {
      if (path.startsWith('secrets/')) assert.notEqual(status, 'failed');
      else assert.ok(files.has(path), path);
    }
    assert.match(files.get('.gitignore') ?? '', /^\/secrets\/$/m);
    assert.match(files.get('pyproject.toml') ?? '', /"integration_tests"/);
  });

  it('puts what needs an optional package into modules that nothing else imports', () => {
    for (const blueprint of [shop, tickets]) {
      for (const { path, content } of compileConnector(blueprint, { templateDir })) {
        if (!path.endsWith('.py') || !path.startsWith('src/')) continue;
        const own = /^src\/(airbyte_source|dlt_source|mcp_server)\.py$/.test(path);
        const imports = /^(from|import) (airbyte_cdk|dlt|mcp|mcp_types)\b/m.test(content);
        assert.equal(imports, own, path);
        assert.doesNotMatch(content, /^from \.(airbyte_source|dlt_source|mcp_server) /m, path);
      }
    }
  });
});
