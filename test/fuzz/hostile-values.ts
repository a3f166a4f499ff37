/** What a stranger could put into a description: texts that try to leave where they stand, and values of the wrong kind. */

/** Calls what no generated file calls: where the name `__import__` turns up as code, a text has got out of its literal. */
const CALL = '__import__("os").system("x")';

export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  `"""\n${CALL}\n"""`,
  `'''\n${CALL}\n'''`,
  `\\"""\n${CALL}`,
  `")\n${CALL}\n(" #`,
  `\n${CALL}\n`,
  `\r${CALL}\r`,
  `\u2028${CALL}\u2029${CALL}\u0085${CALL}`,
  `\\N{BULLET} \\x41 \\u202e \\`,
  `{${CALL}} {0.__class__.__mro__} %(x)s %n \${x} {{y}}`,
  `"]\n[project.scripts]\nevil = "evil:main"\n`,
  '---\n- !!python/object/apply:os.system ["x"]\n',
  '\u202Ename\u2066evil\u2069\u200B\uFEFF\u0000\u001b]0;title\u0007\u001b[2J',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '[go](command:workbench.action.terminal.new) [x](javascript:alert(1)) ![p](https://evil.example/p.png)',
  '../../../etc/passwd',
  '/etc/passwd\0.json',
  'C:\\Windows\\win.ini',
  'con',
  '__proto__',
  'constructor',
  'class',
  'None',
  'self',
  'раураl', // Cyrillic letters that look like Latin ones
  '\uD800 half of a pair',
  '(a+)+$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(?P<x',
  '{id}{id}{ID}',
  '{a b}/{*}/{}',
  'https://user:pw@169.254.169.254/latest?token=x#y',
  'javascript:alert(1)',
  'file:///etc/passwd',
  '9'.repeat(400),
  'true',
  '١٢٣',
];

export const HOSTILE_REFS: readonly string[] = [
  '#',
  '#/',
  '#/paths',
  '#/info/title',
  '#/components/schemas/__proto__',
  '#/components/schemas/constructor/prototype',
  '#/definitions/%zz/~2',
  'file:///etc/passwd',
  '/etc/passwd',
  '../../../../../../etc/passwd#/root',
  'http://169.254.169.254/latest/meta-data/#/x',
  'https://evil.example/schema.json#/a',
  '\\\\evil\\share\\x.json',
  '%2e%2e/%2e%2e/secret.json',
];

export const HOSTILE_NUMBERS: readonly number[] = [
  -1,
  0,
  -0,
  0.5,
  1e-320,
  2 ** 53,
  -(2 ** 63),
  1e21,
  1e308,
  Number.MAX_SAFE_INTEGER,
];

/** Keys that have a meaning in JavaScript, Python or OpenAPI wherever they stand. */
export const HOSTILE_KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$ref',
  'get',
  'allOf',
  'items',
  'properties',
  'type',
  'required',
  '',
  'a"b\\c\nd',
  `x"""\n${CALL}`,
  'x'.repeat(3000),
];
