// The guided fuzzer finds what chance alone does not, and what counts branches changes nothing else.
import { describe, expect, it } from '@jest/globals';
import { EdgeCounts, withEdges } from './edges.js';
import { GuidedFuzzer } from './guided.js';
import { Finding } from './target.js';

type Run = (bytes: Uint8Array) => unknown;

function counted(body: string): { readonly run: Run; readonly edges: EdgeCounts; readonly count: number } {
  const edges = new EdgeCounts();
  const { text, edges: count } = withEdges(`(bytes) => { ${body} }`, 0);
  edges.use(count);
  // oxlint-disable-next-line no-new-func -- as the loader does it with a module
  const run = new Function('fuzzEdges', `return ${text}`)(edges.counts) as Run;
  return { run, edges, count };
}

describe('a module that counts its branches', () => {
  it('does what it did', () => {
    const { run, count } = counted(`
      let sum = 0;
      for (const byte of bytes) if (byte > 9) sum += byte > 99 ? 2 : 1; else sum--;
      switch (sum) { case 1: sum = 10; break; case 2: case 3: sum = 20; break; default: sum ||= 30; }
      const plus = (n) => n + 1;
      try { if (bytes.length > 4 && sum) throw new Error('x'); } catch { sum = 40; }
      do sum++; while (sum < 5);
      return plus(sum ?? 0);`);
    expect([[], [100], [10], [200, 50], [1, 2, 3], [1, 1, 1, 1, 1]].map((all) => run(Uint8Array.from(all)))).toEqual([
      32, 22, 12, 22, 6, 42,
    ]);
    expect(count).toBe(16);
  });

  it('learns of a branch once, and again when it is taken much more often', () => {
    const { run, edges } = counted('for (const byte of bytes) byte;');
    const learns = (length: number): boolean => {
      edges.clear();
      run(new Uint8Array(length));
      return edges.learn();
    };
    expect([0, 1, 1, 2, 5, 6, 20, 30].map(learns)).toEqual([true, true, false, true, true, false, true, false]);
    expect(edges.taken).toBe(2);
  });
});

describe('the guided fuzzer', () => {
  const inputs = 60_000;

  function fuzzerOf(seed: number): GuidedFuzzer {
    const { run, edges } = counted(`
      if (bytes[0] === 0x46) if (bytes[1] === 0x55) if (bytes[2] === 0x5a) if (bytes[3] === 0x5a) return true;`);
    const target = {
      name: 'word',
      seeds: [],
      run(bytes: Uint8Array): void {
        if (run(bytes)) throw new Finding('the word was found');
      },
    };
    return new GuidedFuzzer(target, edges, seed);
  }

  it('finds a word letter by letter, and makes what it has found small', () => {
    const fuzzer = fuzzerOf(7);
    fuzzer.begin([Buffer.from('a word that is not it')]);
    while (fuzzer.found.size === 0 && fuzzer.inputs < inputs) fuzzer.run(100);
    expect([...fuzzer.found.values()].map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['FUZZ']);
  });

  it('does the same for the same seed', () => {
    const [one, two] = [fuzzerOf(3), fuzzerOf(3)];
    for (const fuzzer of [one, two]) {
      fuzzer.begin([]);
      fuzzer.run(5_000);
    }
    expect(two.kept).toEqual(one.kept);
    expect(one.kept.length).toBeGreaterThan(1);
  });

  it('adds to a corpus only what takes other branches', () => {
    const fuzzer = fuzzerOf(7);
    fuzzer.begin([Buffer.from('F'), Buffer.from('FU'), Buffer.from('F12')]);
    expect(fuzzer.newToCorpus([Buffer.from('F')])).toEqual([Buffer.from('FU')]);
    expect(fuzzer.newToCorpus([Buffer.from('FU')])).toEqual([]);
  });
});
