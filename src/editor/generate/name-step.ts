/** The second step: what the connector is called. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputBoxValidationSeverity } from 'vscode';
import { frame, NAME, totalSteps, type Answers } from './answers.ts';
import { inputStep, type Leave } from './quick-steps.ts';
import { t } from '../l10n.ts';

export async function askName(answers: Answers, outDir: string): Promise<Leave | undefined> {
  return inputStep({
    ...frame(2, t('its name'), totalSteps(answers)),
    prompt: t(
      'Name of the connector for {0}; it is written to source-<name>',
      answers.blueprint?.api.title ?? t('the API'),
    ),
    value: answers.name ?? answers.blueprint?.name ?? '',
    ...(answers.blueprint === undefined ? { placeholder: t('Empty: named after the title of the API') } : {}),
    validate: (value) => {
      if (value === '' && answers.blueprint === undefined) return undefined;
      if (!NAME.test(value)) {
        return t('Small letters, digits and single hyphens, starting with a letter: acme-billing');
      }
      if (!existsSync(join(outDir, `source-${value}`))) return undefined;
      return {
        message: t(
          '{0} exists: it is generated again. Commit your own changes to it first.',
          `source-${value}`,
        ),
        severity: InputBoxValidationSeverity.Warning,
      };
    },
    accept: (value) => {
      if (value === '') delete answers.name;
      else answers.name = value;
      return undefined;
    },
  });
}
