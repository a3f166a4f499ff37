/** Types of host.mjs for the suites in TypeScript. */
export interface StartOptions {
  readonly smokeTest?: boolean;
  readonly asksForTrust?: boolean;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}
export interface RunningHost {
  readonly url: string;
  readonly authority: string;
  readonly logFile: string;
  stop(): Promise<void>;
  killExtensionHost(): number;
}
export function createProfile(settings?: Readonly<Record<string, unknown>>): Promise<string>;
export function removeProfile(profile: string): Promise<void>;
export function installVsix(profile: string, vsix: string): Promise<void>;
export function startHost(profile: string, options?: StartOptions): Promise<RunningHost>;
export function browserOptions(): { executablePath: string; headless: boolean; args: string[] };
