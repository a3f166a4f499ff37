/** What the test suites of Airbyte's Python CDK want beside `metadata.yaml`: which configurations to try, and how. */
import { dump } from 'js-yaml';
import type { Blueprint } from '../schema.ts';

/** A file of the connector, relative to its folder. */
interface AirbyteFile {
  readonly path: string;
  readonly content: string;
}

/** Where a person puts a configuration with credentials that work; git ignores the folder. */
const SECRET_CONFIG = 'secrets/config.json';
const INVALID_CONFIG = 'integration_tests/invalid_config.json';

/** `acceptance-test-config.yml`, and the configuration that must be refused. */
export function airbyteFiles(blueprint: Blueprint): AirbyteFile[] {
  const works = [{ config_path: SECRET_CONFIG }];
  const acceptance = {
    connector_image: `local/source-${blueprint.name}:dev`,
    test_strictness_level: 'low',
    acceptance_tests: {
      spec: { tests: works },
      connection: {
        tests: [
          { config_path: SECRET_CONFIG, status: 'succeed' },
          { config_path: INVALID_CONFIG, status: 'failed' },
        ],
      },
      discovery: { tests: works },
      basic_read: { tests: works },
      full_refresh: { tests: works },
    },
  };
  return [
    { path: 'acceptance-test-config.yml', content: dump(acceptance, { lineWidth: 120, noRefs: true }) },
    // Refused before anything is sent: the suite must need no network for it.
    { path: INVALID_CONFIG, content: '{\n  "no_such_property": true\n}\n' },
  ];
}
