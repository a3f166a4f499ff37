/** What the composition roots hand to the stages of any engine. */
import type { compileConnector } from '../blueprint/compiler/compile.ts';
import type {
  IsolationPolicy,
  PipelineDependencies,
  ProbeCredentials,
  VisibleRunner,
} from '../pipeline/contracts.ts';

export interface StageDependencies {
  /** Runs pytest where the person sees it. */
  readonly runner: VisibleRunner;
  /** Folder of the Python template (`dist/template`, or `src/blueprint/template` in a checkout). */
  readonly templateDir: string;
  /** Path of the built description worker; absent = descriptions are read on this thread. */
  readonly descriptionWorker?: string | undefined;
  /** Path of the built thread for other heavy work (`dist/worker.mjs`); absent = it is done on this thread. */
  readonly worker?: string | undefined;
  readonly log: PipelineDependencies['log'];
  /** The person's setting for the interpreter; absent = looked for. */
  readonly pythonPath?: string | undefined;
  /** Time limit of one run of the test suite, in milliseconds; absent = ten minutes. */
  readonly testTimeoutMs?: number | undefined;
  /** How what runs a connector's code is confined; absent = `auto`. */
  readonly isolation?: IsolationPolicy | undefined;
  /** Packages that connectors may ask for beside the known ones. */
  readonly allowedPackages?: readonly string[] | undefined;
  /** For the probe; held in memory only. */
  readonly credentials?: ProbeCredentials | undefined;
  /** Parent of the cached environments' folder; absent = `SOURCEWRIGHT_CACHE`, else the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /**
   * The environment that git, gh and the GitHub API are called with (credential helpers, `GH_TOKEN`); absent = this
   * process's own. Tests of a connector never see it.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Another compiler than the built-in one. */
  readonly compile?: typeof compileConnector | undefined;
}
