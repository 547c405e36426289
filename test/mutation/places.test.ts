// The sample of faults is the same for the same seed, and each of its places stands for itself.
import { describe, expect, it } from '@jest/globals';
import { filesOf, placesOf, sample } from './places.js';

const text = `export function pick(a: number, b: number): number {
  if (a < b) return a + 1;
  return b;
}
`;

describe('places of faults', () => {
  it('are the smallest pieces that a fault is put into', async () => {
    await expect(placesOf('pick.ts', text)).resolves.toEqual([
      { file: 'pick.ts', range: '2:6-2:11', mutants: 4 },
      { file: 'pick.ts', range: '2:20-2:25', mutants: 1 },
    ]);
  });

  it('leave out the words of messages', async () => {
    await expect(placesOf('say.ts', "export const say = () => fail('text');\n")).resolves.toEqual([
      { file: 'say.ts', range: '1:19-1:37', mutants: 1 },
    ]);
  });
});

describe('files of a rung', () => {
  it('are those of its folders, too, but for tables of options', () => {
    const files = filesOf('client');
    expect(files).toContain('lib/client/command-client.ts');
    expect(files).toContain('lib/client/session/client-session.ts');
    expect(files.filter((file) => file.endsWith('-options.ts'))).toEqual([]);
  });
});

describe('a sample of places', () => {
  const places = Array.from({ length: 40 }, (_, line) => ({ file: 'a.ts', range: `${line}:0-${line}:9`, mutants: 3 }));

  it('has as many faults as were asked for, or those of one place more', () => {
    expect(sample(places, 10, 7)).toHaveLength(4);
    expect(sample(places, 12, 7)).toHaveLength(4);
    expect(sample(places, 0, 7)).toEqual([]);
    expect(sample(places, 1_000, 7)).toHaveLength(40);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(sample(places, 30, 7)).toEqual(sample(places, 30, 7));
    expect(sample(places, 30, 8)).not.toEqual(sample(places, 30, 7));
  });
});
