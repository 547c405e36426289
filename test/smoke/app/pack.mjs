// Packs what was built: `node pack.mjs webpack|rspack cjs|esm PACKAGE…`, the packages being those that stay outside.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , name, format, ...outside] = process.argv;
const bundler = createRequire(import.meta.url)(name === 'webpack' ? 'webpack' : '@rspack/core');
const isModule = format === 'esm';
const options = {
  mode: 'production',
  target: 'node',
  entry: './dist/main.js',
  optimization: { minimize: false },
  experiments: { outputModule: isModule },
  externals: Object.fromEntries(outside.map((one) => [one, `${isModule ? 'node-commonjs' : 'commonjs'} ${one}`])),
  output: {
    path: join(import.meta.dirname, 'packed'),
    filename: `${name}.${isModule ? 'mjs' : 'cjs'}`,
    ...(isModule && { library: { type: 'module' } }),
  },
  ignoreWarnings: [() => true],
};

(bundler.rspack ?? bundler)(options, (error, stats) => {
  if (error || stats.hasErrors()) throw error ?? new Error(stats.toString({ all: false, errors: true }));
});
