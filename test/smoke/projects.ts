// The projects in which the application is tried: what is installed, how they are built, and what has to work in them.
import { execFileSync } from 'node:child_process';

/** A command of a project, its words; the first one is a file of `node_modules`, or a command of the system. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** How what it prints must end; without it, it must succeed. */
  readonly prints?: string | undefined;
  /** What no line may have of what it prints, and of what it complains about. */
  readonly mustNotSay?: RegExp | undefined;
  /** Is it run by each Node at hand, and not only by this one? */
  readonly isForEachNode?: boolean | undefined;
}

export interface Project {
  readonly name: string;
  readonly type: 'module' | 'commonjs';
  readonly packages: readonly string[];
  readonly install: readonly string[];
  /** Makes package.json and the configuration in the folder it is run in; without it they are made here. */
  readonly create?: readonly string[] | undefined;
  /** A file of the repository that stands for the application. */
  readonly program?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** More of package.json, and other files. */
  readonly manifest?: object | undefined;
  readonly files?: Readonly<Record<string, string>> | undefined;
  readonly steps: readonly Step[];
}

/** As `expected` of the application. */
const result = JSON.stringify({
  sum: 5,
  counted: [1, 2, 3],
  receipt: 'tea for 3, cake for 4 in 2024',
  empty: 'REMOTE lines should not be empty',
  negative: 'REMOTE negative',
  greeting: 'hello you',
});
/** Of the program in the README. */
const counted = [1, 2, 3, 4, 5].map((value) => `${value} of 5`).join('\n');

const nest = (version: string): readonly string[] =>
  ['common', 'core', 'microservices', 'terminus'].map((name) => `@nestjs/${name}@${version}`);
const peers = ['rxjs', 'reflect-metadata', 'class-transformer', 'class-validator', 'cockatiel@3'];
const others = ['@bufbuild/protobuf', '@opentelemetry/api'];
const compilers = ['typescript@6', 'typescript-5.9@npm:typescript@5.9', 'typescript-7@npm:typescript@7'];
const all = (version: string): readonly string[] => [...nest(version), ...peers, ...others, '@types/node@24'];
const npm = ['npm', 'install', '--no-audit', '--no-fund', '--save-exact'];

const compile = (name: string, flags: readonly string[] = []): Step => ({
  name: `compiles by ${name}${flags.length > 0 ? `, ${flags.join(' ')}` : ''}`,
  command: ['node', `node_modules/${name}/bin/tsc`, ...flags],
});
const eachCompiler = [compile('typescript-5.9'), compile('typescript-7'), compile('typescript')];
/** What the resolutions that are older than `nodenext` make of it; TypeScript 7 has the first one no more. */
const older = [
  compile('typescript-5.9', ['--noEmit', '--module', 'commonjs', '--moduleResolution', 'node10']),
  compile('typescript-5.9', ['--noEmit', '--module', 'node16', '--moduleResolution', 'node16']),
  compile('typescript', ['--noEmit', '--module', 'preserve', '--moduleResolution', 'bundler']),
];
const runs: readonly Step[] = [
  { name: 'runs', command: ['node', 'dist/main.js'], prints: result, isForEachNode: true },
  { name: 'has one copy', command: ['node', 'one-copy.mjs'], isForEachNode: true },
];

/** Of package.json, as `nest new` of Nest 11 writes it. */
const stockJest = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  collectCoverageFrom: ['**/*.(t|j)s'],
  coverageDirectory: '../coverage',
  testEnvironment: 'node',
};
const jestPackages = ['jest@30', 'ts-jest@29', '@types/jest@30'];
const jest = 'node_modules/jest/bin/jest.js';
const vitest = ['node', 'node_modules/vitest/vitest.mjs', 'run'];
const vmModules = ['node', '--experimental-vm-modules', jest];
const specConfig = JSON.stringify({
  extends: './tsconfig.json',
  compilerOptions: { module: 'esnext', moduleResolution: 'bundler', isolatedModules: true },
});
/** Nest 12 is ES modules only, and so have to be the tests: TypeScript makes them so, whatever package.json says. */
const jestOfModulesInCommonJs = {
  ...stockJest,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.(t|j)s$': ['ts-jest', { useESM: true, tsconfig: '<rootDir>/../tsconfig.spec.json' }] },
};
const jestOfModules = { testRegex: 'dist/.*\\.spec\\.js$', transform: {}, testEnvironment: 'node' };

/** What Nest would load if the application used it. */
const unused = [
  '@nestjs/websockets',
  '@nestjs/websockets/socket-module',
  '@nestjs/websockets/socket-module.js',
  '@nestjs/platform-express',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'kafkajs',
  'mqtt',
  'nats',
  '@nats-io/transport-node',
  'ioredis',
  'amqplib',
  'amqp-connection-manager',
  'class-transformer/storage',
  // Rspack does not find its way into it.
  'file-type',
];

const esbuild = (format: 'cjs' | 'esm', file: string): Step => ({
  name: `is bundled by esbuild, ${format}`,
  command: [
    'node_modules/esbuild/bin/esbuild',
    'dist/main.js',
    '--bundle',
    '--platform=node',
    `--format=${format}`,
    `--outfile=${file}`,
    '--log-level=error',
    // Nest itself calls `require` in its ES modules, and so do packages that are CommonJS.
    ...(format === 'esm'
      ? [
          '--banner:js=import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
        ]
      : []),
    ...unused.map((name) => `--external:${name}`),
  ],
});
const packer = (name: 'webpack' | 'rspack', format: 'cjs' | 'esm'): Step => ({
  name: `is bundled by ${name}, ${format}`,
  command: ['node', 'pack.mjs', name, format, ...unused],
});
const packed = (bundler: string, format: string, file: string): Step => ({
  name: `runs from ${bundler}, ${format}`,
  command: ['node', file],
  prints: result,
});

const bundlers = ['typescript@6', 'esbuild', 'webpack@5', '@rspack/core@1'];
const formats = ['cjs', 'esm'] as const;
const bundles = formats.flatMap((format) => {
  const ending = format === 'cjs' ? 'cjs' : 'mjs';
  return [
    esbuild(format, `packed/esbuild.${ending}`),
    packed('esbuild', format, `packed/esbuild.${ending}`),
    packer('webpack', format),
    packed('webpack', format, `packed/webpack.${ending}`),
    packer('rspack', format),
    packed('rspack', format, `packed/rspack.${ending}`),
  ];
});

const pnpm = ['npx', '--yes', 'pnpm@10', 'add', '--save-exact'];
const yarn1 = ['npx', '--yes', 'yarn@1', 'add', '--exact', '--ignore-engines'];
const yarn = ['npx', '--yes', '-p', '@yarnpkg/cli-dist@4', 'yarn'];

interface Manager extends Pick<Project, 'install' | 'env' | 'files'> {
  /** What a program of the project is run by. */
  readonly run: readonly string[];
}

/** Yarn since version 2, which looks neither at .npmrc nor at what npm tells the programs that it starts. */
function modernYarn(nodeLinker: string): Manager {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  return {
    install: [...yarn, 'add', '--exact'],
    run: [...yarn, 'exec'],
    env: { YARN_NODE_LINKER: nodeLinker, YARN_NPM_REGISTRY_SERVER: registry, YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' },
    // It marks the root of a project, which may be within another.
    files: { 'yarn.lock': '' },
  };
}

/** Who installs what the README asks for, and how its program is run then. */
const managers: Readonly<Record<string, Manager>> = {
  npm: { install: npm, run: ['npx'] },
  pnpm: { install: pnpm, run: ['npx', '--yes', 'pnpm@10', 'exec'] },
  'yarn 1': { install: yarn1, run: ['npx', '--yes', 'yarn@1', '--silent'] },
  'yarn 4, node_modules': modernYarn('node-modules'),
  "yarn 4, Plug'n'Play": modernYarn('pnp'),
};

/** What `nest new` writes, whose packages are installed with those of the project. */
const nestNew = (version: string): readonly string[] =>
  `npx --yes @nestjs/cli@${version} new smoke --directory . --package-manager npm --skip-git --skip-install`.split(' ');
const ofSamples = (version: '11' | '12'): readonly string[] => [
  ...nest(version),
  `@nestjs/cqrs@${version}`,
  `@nestjs/config@${version === '11' ? '4' : version}`,
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/exporter-trace-otlp-http',
];

/** What a project of `nest new` is built, run and tested by, with the samples beside the application. */
const stock = (...tests: readonly string[]): readonly Step[] => [
  { name: 'takes the samples', command: ['node', 'samples.mjs', 'copy'] },
  { name: 'is built by nest build, with the samples', command: ['npm', 'run', 'build'] },
  ...runs,
  { name: 'runs the samples', command: ['node', 'samples.mjs', 'run'], isForEachNode: true },
  ...tests.map((test) => ({ name: `passes npm run ${test}`, command: ['npm', 'run', test] })),
];

export const projects: readonly Project[] = [
  {
    name: 'Nest 11, CommonJS',
    type: 'commonjs',
    packages: [...all('11'), ...compilers, ...jestPackages],
    install: npm,
    manifest: { jest: stockJest },
    steps: [
      ...eachCompiler,
      ...older,
      ...runs,
      { name: 'passes Jest as nest new sets it up', command: ['node', jest], isForEachNode: true },
    ],
  },
  {
    name: 'Nest 12, ES modules',
    type: 'module',
    packages: [...all('12'), ...compilers, ...jestPackages, 'vitest@4'],
    install: npm,
    manifest: { jest: jestOfModules },
    files: { 'vitest.config.mjs': `export default { test: { globals: true, include: ['dist/**/*.spec.js'] } };\n` },
    steps: [
      ...eachCompiler,
      ...runs,
      { name: 'passes Jest', command: vmModules, isForEachNode: true },
      { name: 'passes Vitest', command: vitest, isForEachNode: true },
    ],
  },
  {
    name: 'Nest 12, CommonJS',
    type: 'commonjs',
    packages: [...all('12'), ...compilers, ...jestPackages],
    install: npm,
    manifest: { jest: jestOfModulesInCommonJs },
    files: { 'tsconfig.spec.json': specConfig },
    steps: [compile('typescript'), ...runs, { name: 'passes Jest with tests as ES modules', command: vmModules }],
  },
  {
    name: 'nest new of Nest 11',
    type: 'commonjs',
    create: nestNew('11'),
    packages: [...others, ...peers, ...ofSamples('11')],
    install: npm,
    steps: stock('test', 'test:e2e'),
  },
  {
    name: 'nest new of Nest 12',
    type: 'module',
    create: nestNew('12'),
    packages: [...others, ...peers, ...ofSamples('12')],
    install: npm,
    steps: stock('test', 'test:e2e'),
  },
  {
    name: 'Nest 11, bundles',
    type: 'commonjs',
    packages: [...all('11'), ...bundlers],
    install: npm,
    steps: [compile('typescript'), ...bundles],
  },
  {
    name: 'Nest 12, bundles',
    type: 'module',
    packages: [...all('12'), ...bundlers],
    install: npm,
    steps: [compile('typescript'), ...bundles],
  },
  {
    name: 'oldest peers of Nest 11',
    type: 'commonjs',
    packages: [
      ...nest('11.0.0'),
      'rxjs@7.2.0',
      'reflect-metadata@0.1.12',
      'class-transformer@0.5.1',
      'class-validator@0.14.0',
      'cockatiel@3.2.0',
      '@opentelemetry/api@1.9.0',
      '@bufbuild/protobuf@2.17.0',
      '@types/node@20',
      'typescript-5.9@npm:typescript@5.9',
    ],
    install: npm,
    // rxjs 7.2 has no types for the newer resolutions.
    steps: [compile('typescript-5.9', ['--module', 'commonjs', '--moduleResolution', 'node10']), ...runs],
  },
  {
    name: 'pnpm',
    type: 'module',
    packages: [...all('12'), 'typescript@6'],
    install: pnpm,
    steps: [compile('typescript'), ...runs],
  },
  {
    name: 'oldest Nest 12',
    type: 'module',
    // 12.0.0 of @nestjs/core asks for Nest 11.
    packages: [
      '@nestjs/common@12.0.1',
      '@nestjs/core@12.0.1',
      '@nestjs/microservices@12.0.1',
      '@nestjs/terminus@12',
      ...peers,
      ...others,
      '@types/node@24',
      'typescript@6',
    ],
    install: npm,
    steps: [compile('typescript'), ...runs],
  },
  {
    name: 'yarn 1',
    type: 'module',
    packages: [...all('11'), 'typescript@6'],
    install: yarn1,
    steps: [compile('typescript'), ...runs],
  },
  ...Object.entries(managers).map(([name, { install, run, env, files }]): Project => ({
    name: `README, ${name}`,
    type: 'module',
    program: 'docs/examples/first.ts',
    packages: ['common', 'core', 'microservices']
      .map((one) => `@nestjs/${one}`)
      .concat('reflect-metadata', 'rxjs', 'typescript@6', '@types/node@20'),
    install,
    env,
    files,
    steps: [
      { name: 'compiles', command: [...run, 'tsc'] },
      { name: 'prints what the README says', command: [...run, 'node', 'dist/first.js'], prints: counted },
    ],
  })),
];
