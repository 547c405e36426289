// Hooks of Node's module loader that instrument what is in lib. They work on what typescript-loader.mjs, which has to
// be there before them, made of a file.
import type { LoadHook } from 'node:module';
import { instrument } from './instrument.js';

const lib = new URL('../../lib/', import.meta.url).href;

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith(lib)) return loaded;
  return { ...loaded, source: instrument(url.slice(lib.length), String(loaded.source)) };
};
