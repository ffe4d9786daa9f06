import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const unusedVariables = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }];

export default tseslint.config(
  { ignores: ['**/dist/', '**/build/', '**/prebuilds/', '**/coverage/', '.nx/'] },
  // Rules are switched off here, with a reason, or not at all.
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  // Patterns of a protocol name control characters.
  { rules: { 'no-control-regex': 'off' } },
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: { globals: globals.node },
    rules: { 'no-unused-vars': unusedVariables },
  },
  { files: ['**/*.{js,cjs}'], languageOptions: { sourceType: 'commonjs' } },
  // Scripts inside pages.
  { files: ['examples/*/public/**/*.js', 'examples/test/landing.test.mjs'], languageOptions: { globals: globals.browser } },
  {
    files: ['packages/*/src/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: ['packages/*/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': unusedVariables,
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // node:http's types say `any` at many seams (events, listeners, chunk types); the compiler already checks what is assigned from them.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      // Express' types are extended inside its global namespace.
      '@typescript-eslint/no-namespace': ['error', { allowDeclarations: true }],
      // node:http's methods are taken off its prototypes and called with our objects; header values of any type become strings, as there.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-unused-expressions': ['error', { allowShortCircuit: true, allowTernary: true }],
    },
  },
  {
    // Tests probe wrong types and private parts on purpose, and node:test's functions return promises that nobody awaits at top level.
    files: ['packages/*/test/**/*.ts', 'examples/**/*.ts'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-unused-vars': unusedVariables,
      // The tests are CommonJS; some load a module on demand, or a JSON file, or a second copy of one.
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
);
