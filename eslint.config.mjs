import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const vscodeImport = {
  name: 'vscode',
  message: 'Only src/editor (and the composition root src/extension.ts) may import vscode.',
};

/** Forbids imports of the given layers, so that the import direction of CONTRIBUTING holds. */
const notFrom = (...layers) => ({
  'no-restricted-imports': [
    'error',
    {
      paths: [vscodeImport],
      patterns: layers.map((layer) => ({
        group: [`**/${layer}/**`],
        message: `This layer may not import from ${layer}/ (see CONTRIBUTING, "Layers").`,
      })),
    },
  ],
});

export default tseslint.config(
  { ignores: ['dist/', 'dist-test/', '.cache/', 'connectors/', 'workspace/', 'coverage/', 'test-results/'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        Buffer: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly',
        performance: 'readonly',
      },
    },
  },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.{ts,tsx}'] })),
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/editor/**', 'src/extension.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [vscodeImport] }] },
  },
  {
    files: ['src/pipeline/**/*.ts'],
    rules: notFrom('stages', 'agents', 'openapi', 'python', 'workspace', 'editor', 'webview'),
  },
  {
    files: ['src/openapi/**/*.ts', 'src/blueprint/**/*.ts'],
    rules: notFrom('stages', 'agents', 'python', 'workspace', 'editor', 'webview'),
  },
  { files: ['src/threads/**/*.ts'], rules: notFrom('stages', 'agents', 'terminal', 'editor', 'webview') },
  {
    files: ['src/python/**/*.ts', 'src/workspace/**/*.ts', 'src/store/**/*.ts'],
    rules: notFrom('stages', 'agents', 'editor', 'webview'),
  },
  { files: ['src/agents/**/*.ts'], rules: notFrom('stages', 'terminal', 'editor', 'webview') },
  { files: ['src/stages/**/*.ts'], rules: notFrom('terminal', 'editor', 'webview') },
  {
    files: ['src/webview/**/*.{ts,tsx}'],
    rules: notFrom('stages', 'agents', 'openapi', 'python', 'workspace', 'store', 'terminal', 'editor'),
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['scripts/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
);
