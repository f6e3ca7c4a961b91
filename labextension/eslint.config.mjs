import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

// A file of src/ may import only from the folders below its own.
const below = (...folders) => ({
  'no-restricted-imports': ['error', { patterns: folders.map(f => ({ group: [`**/${f}`, `**/${f}/**`] })) }]
});

export default tseslint.config(
  { ignores: ['lib', 'node_modules', 'src/api/types/config.ts', '*.js', 'scripts'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      eqeqeq: 'error'
    }
  },
  { files: ['src/api/**'], rules: below('model', 'view', 'plugins') },
  { files: ['src/model/**'], rules: below('view', 'plugins', 'react') },
  { files: ['src/view/**'], rules: below('plugins') }
);
