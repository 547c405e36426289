// Jest in ESM mode: SWC turns each TypeScript file into an ES module, decorators and their metadata included; what ends
// in .cts stays CommonJS.
const swc = (type) => [
  '@swc/jest',
  {
    swcrc: false,
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type },
  },
];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': swc('es6'), '^.+\\.cts$': swc('commonjs') },
  moduleNameMapper: {
    '^nestjs-cmd-stream$': '<rootDir>/lib/index.ts',
    '^nestjs-cmd-stream/core$': '<rootDir>/lib/core.ts',
    '^nestjs-cmd-stream/circuit-breaker$': '<rootDir>/lib/cockatiel.ts',
    '^nestjs-cmd-stream/protobuf$': '<rootDir>/lib/protobuf.ts',
    '^nestjs-cmd-stream/mus$': '<rootDir>/lib/mus.ts',
    '^nestjs-cmd-stream/terminus$': '<rootDir>/lib/terminus.ts',
    '^nestjs-cmd-stream/otel$': '<rootDir>/lib/otel.ts',
    '^nestjs-cmd-stream/testing$': '<rootDir>/lib/testing.ts',
    '^@app/prices-contract$': '<rootDir>/sample/14-monorepo/libs/prices-contract/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^(.*/installed-transformer)\\.cjs$': '$1.cts',
  },
  // The second one says at the end what was skipped, and why.
  reporters: ['default', '<rootDir>/test/support/skip-reporter.mjs'],
  testTimeout: 60_000,
  maxWorkers: 2,
  // A worker leaves nothing open: it emits 'exit' a millisecond after it is told to end. But then Node takes down the modules
  // of every test file it has run, a gigabyte of them, which may last longer than the half second that Jest waits.
  workerGracefulExitTimeout: 10_000,
  coverageProvider: 'babel',
  collectCoverageFrom: ['lib/**/*.ts'],
};
