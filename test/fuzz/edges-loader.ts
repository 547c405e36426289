// Hooks of Node's module loader that make lib count its branches. They work on what typescript-loader.mjs, which has to
// be there before them, made of a file.
import type { LoadHook } from 'node:module';
import { withEdges } from './edges.js';

const lib = new URL('../../lib/', import.meta.url).href;
let edges = 0;

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith(lib)) return loaded;
  const counting = withEdges(String(loaded.source), edges);
  edges += counting.edges;
  // The loader has a thread of its own: the module itself says how many there are.
  const source = `const{fuzzEdges}=globalThis;globalThis.fuzzEdgeCount=Math.max(globalThis.fuzzEdgeCount??0,${edges});${counting.text}`;
  return { ...loaded, source };
};
