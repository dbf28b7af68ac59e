import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { bordersRule } from './scripts/lib/borders.mjs';
import { root } from './scripts/lib/paths.mjs';

export default tseslint.config(
  { ignores: ['.srft/', 'dist/', 'runs/', 'node_modules/', 'core/generated/', 'trainer/', 'test/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Numbers and booleans in a template are what people mean; objects are not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // node:test's describe() and it() return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['describe', 'it', 'test', 'suite'] },
          ],
        },
      ],
    },
  },
  { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
  // The editor takes anything with the shape of a Disposable.
  { files: ['src/**'], rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' } },
  // Plain JavaScript: tsc with checkJs knows the globals, which no-undef does not.
  { files: ['**/*.mjs'], rules: { 'no-undef': 'off', eqeqeq: 'error' } },
  {
    files: ['core/**', 'src/**', 'test/**', 'scripts/**', 'webview/**'],
    plugins: { srft: { rules: { borders: bordersRule } } },
    rules: { 'srft/borders': 'error' },
  },
);
