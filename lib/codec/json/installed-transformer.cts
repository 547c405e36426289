// class-transformer, as `require` finds it from here, in Node, in test runners and in bundles. ES modules have no
// `require`: this file is CommonJS in both builds of the package, and the only one. Bundlers bring along what is named
// in a call that stands in a `try`, and do without it where it is not installed.

/** Undefined: it is not installed. @throws in a bundle of ES modules that has left it out: there `require` fails */
function main(): unknown {
  try {
    return require('class-transformer');
  } catch (error) {
    if (String((error as { code?: unknown } | null)?.code).endsWith('MODULE_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Where its decorators may keep what they say: Node takes the first one, bundlers that prefer ES modules another. */
const storages: readonly (() => unknown)[] = [
  () => {
    try {
      return require('class-transformer/cjs/storage.js');
    } catch {
      return undefined;
    }
  },
  () => {
    try {
      return require('class-transformer/esm5/storage.js');
    } catch {
      return undefined;
    }
  },
  () => {
    try {
      return require('class-transformer/esm2015/storage.js');
    } catch {
      return undefined;
    }
  },
];

export = { main, storages };
