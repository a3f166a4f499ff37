/** The second step: what the connector is called. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputBoxValidationSeverity } from 'vscode';
import { frame, NAME, totalSteps, type Answers } from './answers.ts';
import { inputStep, type Leave } from './quick-steps.ts';

export async function askName(answers: Answers, outDir: string): Promise<Leave | undefined> {
  return inputStep({
    ...frame(2, 'its name', totalSteps(answers)),
    prompt: `Name of the connector for ${answers.blueprint?.api.title ?? 'the API'}; it is written to source-<name>`,
    value: answers.name ?? answers.blueprint?.name ?? '',
    ...(answers.blueprint === undefined ? { placeholder: 'Empty: named after the title of the API' } : {}),
    validate: (value) => {
      if (value === '' && answers.blueprint === undefined) return undefined;
      if (!NAME.test(value)) {
        return 'Small letters, digits and single hyphens, starting with a letter: acme-billing';
      }
      if (!existsSync(join(outDir, `source-${value}`))) return undefined;
      return {
        message: `source-${value} exists: it is generated again. Commit your own changes to it first.`,
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
