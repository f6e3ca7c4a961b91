const lab = require('@jupyterlab/testing/lib/jest-config')(__dirname);

// Packages that ship ES modules only; Jest has to translate them.
const esModules = ['@jupyterlab/', '@jupyter/', '@lumino/', '@codemirror', '@marijn', '@microsoft', '@rjsf', 'lodash-es', 'color', 'exenv-es6', 'lib0', 'marked', 'nanoid', 'vscode-ws-jsonrpc', 'y-protocols', 'y-websocket', 'yjs', '@noble'].join('|');

module.exports = {
  ...lab,
  reporters: ['default'],
  setupFilesAfterEnv: [...(lab.setupFilesAfterEnv ?? []), '<rootDir>/test/setup.ts'],
  testRegex: 'test/.*\\.spec\\.tsx?$',
  testPathIgnorePatterns: ['/node_modules/', '/lib/'],
  transformIgnorePatterns: [`/node_modules/(?!(${esModules}))`],
  // axe takes seconds where other work holds the cores.
  testTimeout: 120000
};
