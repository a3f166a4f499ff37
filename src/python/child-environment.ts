/** The environment of processes that run a connector's code: given whole, nothing of the person's own inside. */
import { delimiter, dirname, join } from 'node:path';

export interface ChildEnvironmentOptions {
  /** The environment's interpreter; its folder comes first on the search path. */
  readonly python: string;
  /** Temporary folder that stands in for the home folder and for temporary files. */
  readonly home: string;
}

/**
 * Variables for a run of connector code: no secrets, proxies or Python settings are inherited, the home folder is a
 * temporary one, nothing is written beside the sources, and order and time zone are the same everywhere.
 */
export function childEnvironment(options: ChildEnvironmentOptions): Record<string, string> {
  const base: Record<string, string> = {
    PATH: [dirname(options.python), ...(process.platform === 'win32' ? [] : ['/usr/bin', '/bin'])].join(
      delimiter,
    ),
    HOME: options.home,
    TMPDIR: options.home,
    XDG_CACHE_HOME: join(options.home, 'cache'),
    XDG_CONFIG_HOME: join(options.home, 'config'),
    XDG_DATA_HOME: join(options.home, 'data'),
    XDG_STATE_HOME: join(options.home, 'state'),
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    NO_COLOR: '1',
    NO_PROXY: '*',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONHASHSEED: '0',
    PYTHONNOUSERSITE: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONUTF8: '1',
  };
  if (process.platform !== 'win32') return base;
  const root = process.env['SystemRoot'] ?? 'C:\\Windows';
  return { ...base, SystemRoot: root, USERPROFILE: options.home, TEMP: options.home, TMP: options.home };
}
