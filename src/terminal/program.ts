/** The commands of the terminal program, their words and their help. */
import { Command, CommanderError, Option } from 'commander';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { IsolationPolicy } from '../pipeline/contracts.ts';
import { conform, type ConformOptions } from './commands/conform.ts';
import { generate, type GenerateCommandOptions } from './commands/generate.ts';
import { inspect, type InspectOptions } from './commands/inspect.ts';
import { models, type ModelsOptions } from './commands/models.ts';
import { replay, type ReplayOptions } from './commands/replay.ts';
import { answer, cancel, resume, type ResumeOptions } from './commands/resume.ts';
import { findings, runs, stage, type ShowOptions, type StageOptions } from './commands/runs.ts';
import { show } from './commands/show.ts';
import { restore, snapshots, type RestoreOptions, type SnapshotsOptions } from './commands/snapshots.ts';
import { CREDENTIAL_PREFIX } from './credentials.ts';
import { EXIT, exitCodeOfError, type ExitCode } from './exit-codes.ts';
import { printError, printJson, type Session } from './session.ts';
import { rejectedSummary } from './summary.ts';
import { coloured } from './harmless.ts';

const NOTES = `
A run is named by its id, the beginning of its id, or "latest".

Exit codes: 0 published or finished, 1 failed or cancelled, 2 bad usage or input,
3 waiting for a person's decision, 4 paused (budget, credentials, environment, Ctrl-C).
With --json one object is printed on stdout; everything else goes to stderr.`;

/** Runs the program with the words after its name and answers its exit code. Never throws. */
export async function runProgram(session: Session, words: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(session, (result) => {
    code = result;
  });
  const started = performance.now();
  const json = words.includes('--json');
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return EXIT.done;
      // commander has already told the person on stderr
      const message = thrown.message.replace(/^error: /, '');
      if (json)
        printJson(
          session.terminal,
          rejectedSummary(new SourcewrightError('input', message), performance.now() - started),
        );
      return EXIT.input;
    }
    const error = asSourcewrightError(thrown);
    if (json) printJson(session.terminal, rejectedSummary(error, performance.now() - started));
    printError(session.terminal, error);
    return exitCodeOfError(error);
  }
}

function createProgram(given: Session, done: (code: ExitCode) => void): Command {
  const { terminal } = given;
  const program = new Command('sourcewright');
  let chosen: IsolationPolicy | undefined;
  // What every command that runs a connector's code says alike is heard here, and not by each of them.
  program.hook('preAction', (_program, command) => {
    chosen = command.opts<{ readonly isolation?: IsolationPolicy }>().isolation;
  });
  const session: Session = {
    ...given,
    pipeline: (setting) => given.pipeline({ ...setting, isolation: chosen }),
  };
  program
    .description('Builds tested, reviewed Python data connectors from API descriptions.')
    .version(session.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', NOTES)
    .showHelpAfterError('(add --help for what can be given)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // It repeats the words that it was given.
      writeErr: (text) => terminal.stderr.write(coloured(text)),
    });

  // What most commands share.
  const workspace = (): Option =>
    new Option('-w, --workspace <dir>', 'folder that holds .sourcewright/ and connectors/ (default: here)');
  const json = (): Option => new Option('--json', 'print one JSON object on stdout');
  const verbose = (): Option =>
    new Option('-v, --verbose', 'show what pytest, pip and the other programs print');
  const adopt = (): Option =>
    new Option(
      '--adopt',
      'drive a run that you did not begin on this machine; its decisions then count as yours',
    );
  const credentials = (): Option =>
    new Option(
      '--credentials <file>',
      `JSON file of secrets for the probe, or "env" for ${CREDENTIAL_PREFIX}…`,
    );

  const isolation = (): Option =>
    new Option(
      '--isolation <policy>',
      'sandbox for the connector’s code and tests: auto (the best there is), require (a real one, or pause) or off',
    )
      .choices(IsolationPolicy.options)
      .env('SOURCEWRIGHT_ISOLATION');
  const prices = (): Option =>
    new Option('--prices <file>', 'agents: JSON file of prices that overrides the built-in table');
  /** What the agents of a command may spend, and which models they are. */
  const withAgents = (command: Command): Command =>
    command
      .option('--budget <usd>', 'agents: pause the run at this cost in US dollars')
      .option('--stage-budget <usd>', 'agents: pause it when one stage has cost this much')
      .option(
        '--model <stage=id>',
        'agents: model of a stage, or ID alone for all stages; may be given again',
        collect,
      )
      .addOption(prices());

  program
    .command('inspect')
    .description('show what an API description says and what it leaves open; generates nothing')
    .argument('<description>', 'path or URL of an OpenAPI 3.0, 3.1 or Swagger 2.0 document')
    .option('--name <name>', 'name of the connector (default: from the title)')
    .addOption(json())
    .action(async (source: string, options: InspectOptions) => {
      done(await inspect(session, source, options));
    });

  withAgents(program.command('generate'))
    .description('build a connector: research, generate, test, diagnose, review, publish')
    .argument('<source>', 'path or URL of an API description; with agents also an API’s name')
    .option('--out <dir>', 'folder that receives source-<name>/ (default: connectors/ in the workspace)')
    .option('--name <name>', 'name of the connector, in words joined by hyphens (default: from the title)')
    .option('--engine <engine>', 'rules (no model, no key) or agents (ANTHROPIC_API_KEY)', 'rules')
    .option('--docs', 'the source is the address of a page of documentation')
    .option('--streams <names>', 'streams to generate, with commas between (default: the sensible ones)')
    .option('--auto', 'approve every gate')
    .option('--approve <gate>', 'approve this gate in advance; may be given again', collect)
    .option('--mutants <n>', 'mistakes to plant into the code to judge its tests; 0 = none (default: 30)')
    .option('--no-conformance', 'do not hold the conformance suite against the connector once its tests pass')
    .option('--probe', 'ask the API itself a few GET requests to confirm what was found')
    .addOption(credentials())
    .addOption(workspace())
    .addOption(isolation())
    .addOption(json())
    .addOption(verbose())
    .action(async (source: string, options: GenerateCommandOptions) => {
      done(await generate(session, source, options));
    });

  withAgents(program.command('resume'))
    .description('go on with a run that waits or is paused')
    .argument('<run>', 'the run')
    .option('--approve <gate>', 'approve a gate; may be given again for gates that follow', collect)
    .option('--request-changes <gate>', 'send the gate’s stage back to work; needs --feedback')
    .option('--reject <gate>', 'end the run at a gate; its files stay')
    .option('--feedback <text>', 'your words on it')
    .option('--answer <id=answer>', 'answer a finding: ID=accept or ID=reject; may be given again', collect)
    .option('--auto', 'approve every gate from here on')
    .addOption(adopt())
    .addOption(credentials())
    .addOption(workspace())
    .addOption(isolation())
    .addOption(json())
    .addOption(verbose())
    .action(async (run: string, options: ResumeOptions) => {
      done(await resume(session, run, options));
    });

  program
    .command('runs')
    .description('list the runs of a workspace')
    .addOption(workspace())
    .addOption(json())
    .action(async (options: ShowOptions) => {
      done(await runs(session, options));
    });

  program
    .command('show')
    .description('show how a run stands, and what its agents did')
    .argument('<run>', 'the run')
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, options: ShowOptions) => {
      done(await show(session, run, options));
    });

  withAgents(program.command('stage'))
    .description('run one stage of a run by hand: research, generate, test, diagnose, review or publish')
    .argument('<name>', 'the stage')
    .requiredOption('--run <run>', 'the run')
    .addOption(adopt())
    .addOption(credentials())
    .addOption(workspace())
    .addOption(isolation())
    .addOption(json())
    .addOption(verbose())
    .action(async (name: string, options: StageOptions) => {
      done(await stage(session, name, options));
    });

  program
    .command('snapshots')
    .description('list what is kept of a connector before and after each stage of a run that writes')
    .argument('<run>', 'the run')
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, options: SnapshotsOptions) => {
      done(await snapshots(session, run, options));
    });

  program
    .command('restore')
    .description('bring a connector back to a snapshot; what you edited since is not overwritten unasked')
    .argument('<run>', 'the run')
    .option('--stage <name>', 'as it was after this stage: generate, test or publish')
    .option('--before', 'as it was before that stage')
    .option('--attempt <n>', 'of this attempt (default: the newest that is kept)')
    .option('--snapshot <id>', 'this one, as `snapshots` lists it')
    .option('--keep', 'leave files that you edited since as they are, and restore the others')
    .option('--force', 'overwrite also files that you edited since')
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, options: RestoreOptions) => {
      done(await restore(session, run, options));
    });

  program
    .command('replay')
    .description('run a recorded run again: offline, without a key, with the decisions of then')
    .argument('<run-folder>', 'folder of the recorded run')
    .addOption(workspace())
    .addOption(json())
    .addOption(verbose())
    .action(async (folder: string, options: ReplayOptions) => {
      done(await replay(session, folder, options));
    });

  program
    .command('conform')
    .description('judge a connector by the conformance suite: its command line and its Python interface')
    .argument('<dir>', 'folder of the connector, source-<name>')
    .option(
      '--python <path>',
      'interpreter that has the connector’s requirements-dev.txt (default: set one up)',
    )
    .option('--only <id>', 'run this check; may be given again', collect)
    .addOption(isolation())
    .addOption(json())
    .action(async (dir: string, options: ConformOptions) => {
      done(await conform(session, dir, options));
    });

  program
    .command('models')
    .description('list the models that the key in ANTHROPIC_API_KEY may use, with their prices')
    .addOption(prices())
    .addOption(json())
    .action(async (options: ModelsOptions) => {
      done(await models(session, options));
    });

  program
    .command('findings')
    .description('list the findings of a run’s review')
    .argument('<run>', 'the run')
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, options: ShowOptions) => {
      done(await findings(session, run, options));
    });

  program
    .command('answer')
    .description('accept or reject findings, without going on with the run')
    .argument('<run>', 'the run')
    .argument('<answers...>', 'ID=accept or ID=reject')
    .addOption(adopt())
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, answers: string[], options: ResumeOptions) => {
      done(await answer(session, run, answers, options));
    });

  program
    .command('cancel')
    .description('end a run; its files stay')
    .argument('<run>', 'the run')
    .addOption(adopt())
    .addOption(workspace())
    .addOption(json())
    .action(async (run: string, options: ResumeOptions) => {
      done(await cancel(session, run, options));
    });

  return program;
}

/** Gathers an option that may be given more than once. */
function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
