// What the arguments of the command line may be, and what is said of those that make no sense.
import { describe, expect, it } from '@jest/globals';
import { addressIn, addressText, parseArguments, UsageError, type Usage } from '../../../lib/cli/arguments.js';
import { programs } from '../../../lib/cli/command-line.js';
import { helpOf, overview } from '../../../lib/cli/help.js';

const usage: Usage = {
  name: 'ask',
  operands: '<address> [json]',
  fewest: 1,
  most: 2,
  summary: 'asks',
  about: [],
  flags: {
    timeout: { short: 't', value: '<time>', text: 'time' },
    count: { short: 'c', value: '<number>', text: 'number' },
    metadata: { short: 'm', value: '<k=v>', isList: true, text: 'list' },
    quiet: { short: 'q', text: 'switch' },
    help: { short: 'h', text: 'help' },
  },
  examples: [],
  exit: '',
};

const parse = (...args: readonly string[]) => parseArguments(usage, args);

describe('arguments', () => {
  it('are operands and options, in any order', () => {
    const given = parse('-q', 'a:1', '--count', '3', '{}', '-m', 'a=b', '-m', 'c=d');
    expect(given.operands).toEqual(['a:1', '{}']);
    expect(given.has('quiet')).toBe(true);
    expect(given.has('timeout')).toBe(false);
    expect(given.number('count', 1, 1, 9)).toBe(3);
    expect(given.texts('metadata')).toEqual(['a=b', 'c=d']);
  });

  it('behind -- are no options', () => {
    expect(parse('a:1', '--', '-5').operands).toEqual(['a:1', '-5']);
  });

  it('may be missing where help is asked for', () => {
    expect(parse('--help').has('help')).toBe(true);
  });

  it.each([
    [[], '<address> is missing'],
    [['a', 'b', 'c'], '"c" is one too many: it takes <address> [json]; quote what has spaces'],
    [['a', '--cuont', '3'], 'there is no option --cuont: did you mean --count?'],
    [['a', '--volume'], 'there is no option --volume; a text that begins with "-" stands behind "--"'],
    [['a', '-x'], 'there is no option -x; a text that begins with "-" stands behind "--"'],
    [['a', '--count'], '--count needs <number> behind it'],
    [['a', '-c'], '--count needs <number> behind it'],
    [['a', '--quiet=yes'], '--quiet takes no value'],
  ])('%j are refused', (args, message) => {
    expect(() => parse(...args)).toThrow(new UsageError(message));
  });
});

describe('a time', () => {
  it.each([
    ['5', 5_000],
    ['0.25', 250],
    ['.5s', 500],
    ['200ms', 200],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0', 0],
  ])('may be %s', (text, ms) => {
    expect(parse('a', '-t', text).timeMs('timeout', 1)).toBe(ms);
  });

  it('has a default', () => {
    expect(parse('a').timeMs('timeout', 77)).toBe(77);
  });

  it.each(['', 's', 'soon', '1d', '-1', '1e3', '5 s', '999h'])('is not "%s"', (text) => {
    expect(() => parse('a', `--timeout=${text}`).timeMs('timeout', 1)).toThrow('--timeout is a time such as 200ms');
  });

  it('may have a least value', () => {
    expect(() => parse('a', '-t', '0').timeMs('timeout', 1, 1)).toThrow('from 1 ms to 24 days');
  });
});

describe('a number', () => {
  it.each(['0', '10', '1.5', '1e1', '', 'x', '0x3'])('from 1 to 9 is not "%s"', (text) => {
    const read = () => parse('a', `--count=${text}`).number('count', 1, 1, 9);
    expect(read).toThrow(new UsageError(`--count is a whole number from 1 to 9, not "${text}"`));
  });
});

describe('an address', () => {
  it.each([
    ['calc.example.com:9000', { host: 'calc.example.com', port: 9000 }],
    ['calc', { host: 'calc', port: 3000 }],
    [':9000', { host: 'localhost', port: 9000 }],
    ['9000', { host: 'localhost', port: 9000 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['[::1]', { host: '::1', port: 3000 }],
    ['/run/calc.sock', { path: '/run/calc.sock' }],
    ['unix:calc.sock', { path: 'calc.sock' }],
  ])('may be %s', (text, address) => {
    expect(addressIn(text)).toEqual(address);
  });

  it.each(['', 'a:', 'a:b', 'a:0', 'a:70000', '::1', 'a b', 'a@b', 'a,b'])('is not "%s"', (text) => {
    expect(() => addressIn(text)).toThrow(UsageError);
  });

  it('of a server may have the port 0', () => {
    expect(addressIn('0', 0)).toEqual({ host: 'localhost', port: 0 });
  });

  it('is shown as it was given', () => {
    expect(['a:1', '[::1]:1', '/run/a'].map((text) => addressText(addressIn(text)))).toEqual([
      'a:1',
      '[::1]:1',
      '/run/a',
    ]);
  });
});

describe('the help', () => {
  const texts = [...programs.map(({ usage: { name } }) => name), ''].map((name) => {
    const found = programs.find((program) => program.usage.name === name);
    return [
      name || 'of all',
      found ? helpOf(found.usage) : overview(programs.map((program) => program.usage)),
    ] as const;
  });

  it.each(texts)('%s fits into 80 columns, but for lines to be copied', (_, text) => {
    const long = text.split('\n').filter((line) => line.length > 80 && !/^ {2}(cmd-stream|cat|#)/.test(line));
    expect(long).toEqual([]);
  });

  it.each(programs.map(({ usage: { name } }) => name))('of %s has examples that are no mistakes', (name) => {
    const { usage: own } = programs.find((program) => program.usage.name === name)!;
    for (const [line] of own.examples) {
      const [, words = ''] = new RegExp(`cmd-stream ${name} (.*?)( \\| .*)?$`).exec(line) ?? [];
      const args = Array.from(words.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '');
      expect(args.length).toBeGreaterThan(0);
      const given = parseArguments(own, args);
      expect(() => addressIn(given.operands[0]!, 0)).not.toThrow();
    }
  });
});
