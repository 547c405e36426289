// The projects in which the application is tried: what is installed, how they are built, and what has to work in them.

/** A command of a project, its words; the first one is a file of `node_modules`, or a command of the system. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** What it must print; without it, it must succeed. */
  readonly prints?: 'result' | undefined;
  /** Is it run by each Node at hand, and not only by this one? */
  readonly isForEachNode?: boolean | undefined;
}

export interface Project {
  readonly name: string;
  readonly type: 'module' | 'commonjs';
  readonly packages: readonly string[];
  readonly install: readonly string[];
  /** More of package.json, and other files. */
  readonly manifest?: object | undefined;
  readonly files?: Readonly<Record<string, string>> | undefined;
  readonly steps: readonly Step[];
}

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
  { name: 'runs', command: ['node', 'dist/main.js'], prints: 'result', isForEachNode: true },
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
const vmModules = ['node', '--experimental-vm-modules', jest];
const jestOfModules = { testRegex: 'dist/.*\\.spec\\.js$', transform: {}, testEnvironment: 'node' };

/** What Nest would load if the application used it. */
const unused = [
  '@nestjs/websockets',
  '@nestjs/websockets/socket-module',
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
      ? ['--banner:js=import { createRequire } from "node:module"; const require = createRequire(import.meta.url);']
      : []),
    ...unused.map((name) => `--external:${name}`),
  ],
});
const packer = (name: 'webpack' | 'rspack', format: 'cjs' | 'esm'): Step => ({
  name: `is bundled by ${name}, ${format}`,
  command: ['node', 'pack.mjs', name, format],
});
const packed = (bundler: string, format: string, file: string): Step => ({
  name: `runs from ${bundler}, ${format}`,
  command: ['node', file],
  prints: 'result',
});

const packScript = `
import { createRequire } from 'node:module';
const [, , name, format] = process.argv;
const pack = createRequire(import.meta.url)(name === 'webpack' ? 'webpack' : '@rspack/core');
const unused = ${JSON.stringify(unused)};
const { rspack = pack } = pack;
rspack(
  {
    mode: 'production',
    target: 'node',
    entry: './dist/main.js',
    optimization: { minimize: false },
    experiments: { outputModule: format === 'esm' },
    externals: Object.fromEntries(unused.map((one) => [one, \`\${format === 'esm' ? 'node-commonjs' : 'commonjs'} \${one}\`])),
    output: {
      path: import.meta.dirname + '/packed',
      filename: name + (format === 'esm' ? '.mjs' : '.cjs'),
      ...(format === 'esm' && { library: { type: 'module' } }),
    },
    ignoreWarnings: [() => true],
  },
  (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString({ all: false, errors: true }));
  },
);
`;

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
      { name: 'passes Jest as nest new sets it up', command: ['node', jest] },
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
      { name: 'passes Jest', command: vmModules },
      { name: 'passes Vitest', command: ['node', 'node_modules/vitest/vitest.mjs', 'run'] },
    ],
  },
  {
    name: 'Nest 12, CommonJS',
    type: 'commonjs',
    packages: [...all('12'), ...compilers],
    install: npm,
    steps: [compile('typescript'), ...runs],
  },
  {
    name: 'Nest 11, bundles',
    type: 'commonjs',
    packages: [...all('11'), 'typescript@6', 'esbuild', 'webpack@5', '@rspack/core@1'],
    install: npm,
    files: { 'pack.mjs': packScript },
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
    install: ['npx', '--yes', 'pnpm@10', 'add', '--save-exact'],
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
    name: 'yarn',
    type: 'module',
    packages: [...all('11'), 'typescript@6'],
    install: ['npx', '--yes', 'yarn@1', 'add', '--exact', '--ignore-engines'],
    steps: [compile('typescript'), ...runs],
  },
];
