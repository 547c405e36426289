// The command line of the benchmarks.
import { describe, expect, it } from '@jest/globals';
import { parseArguments, usage } from './arguments.js';
import { boundKeys, contests } from './contests.js';
import { commandOf } from './machine.js';

const allKeys = contests.flatMap(({ keys }) => keys.map(({ name }) => name));

describe('the command line of the benchmarks', () => {
  it('runs every key that has a bound, unless it says otherwise', () => {
    expect(parseArguments([]).keys).toEqual(boundKeys);
    expect(parseArguments(['--all']).keys).toEqual(allKeys);
    expect(parseArguments(['--only', 'vs-go,vs-ceiling', '--only', 'few-vs-ceiling']).keys).toEqual([
      'vs-go',
      'vs-ceiling',
      'few-vs-ceiling',
    ]);
  });

  it('takes less time with --quick, and whatever is said of it', () => {
    const full = parseArguments([]).run;
    const quick = parseArguments(['--quick']).run;
    expect(quick.rounds * quick.seconds).toBeLessThan(full.rounds * full.seconds);
    const args = ['--quick', '--rounds', '7', '--seconds', '0.2', '--warm-up', '0.1', '--profile', 'profiles'];
    const run = { rounds: 7, seconds: 0.2, warmUpSeconds: 0.1, profile: 'profiles' };
    expect(parseArguments(args).run).toEqual(run);
  });

  it('writes no file that was not asked for', () => {
    expect(parseArguments([])).toMatchObject({ json: undefined, svg: undefined, markdown: undefined });
    const written = parseArguments(['--json', 'a.json', '--svg', 'b.svg', '--markdown', 'c.md']);
    expect(written).toMatchObject({ json: 'a.json', svg: 'b.svg', markdown: 'c.md' });
  });

  it('says which key there is not, and which there are', () => {
    expect(() => parseArguments(['--only', 'vs-ceilings'])).toThrow(/no key "vs-ceilings"; there are .*vs-ceiling/);
    expect(() => parseArguments(['--only', ','])).toThrow('--only must name a key');
  });

  it.each(['0', '-1', 'many', 'Infinity'])('refuses %s rounds', (rounds) => {
    expect(() => parseArguments([`--rounds=${rounds}`])).toThrow(`--rounds must be a number above 0, not ${rounds}`);
  });

  it('is printed without the files that it writes', () => {
    expect(commandOf(['--json', 'a.json'])).toBe('npm run bench');
    const args = ['--rounds', '3', '--svg=a.svg', '--markdown', 'a.md', '--all'];
    expect(commandOf(args)).toBe('npm run bench -- --rounds 3 --all');
  });

  it('tells of every option and every key', () => {
    for (const name of allKeys) expect(usage).toContain(`  ${name} `);
    for (const name of ['quick', 'only', 'all', 'json', 'svg', 'markdown', 'rounds', 'seconds', 'warm-up', 'profile'])
      expect(usage).toContain(`  --${name} `);
  });
});
