// The facade over a client: which call of the client a method makes, with which Command and options.
import { describe, expect, it } from '@jest/globals';
import { Command, Result, serviceOf, StreamCommand, type CallOptions } from '../../../lib/core.js';
import { TYPE_ENTRY } from '../../../lib/contract/type-table.js';

class Sum extends Result {}

class Add extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

class Primes extends StreamCommand<Sum> {
  constructor(readonly count = 0) {
    super();
  }
}

class FewPrimes extends Primes {}

class Picky extends Command<Sum> {
  constructor(readonly text = '') {
    super();
    if (text === 'no') throw new RangeError('not this one');
  }
}

class PickyStream extends StreamCommand<Sum> {
  constructor(readonly text = '') {
    super();
    if (text === 'no') throw new RangeError('not this one');
  }
}

const methods = { add: Add, primes: Primes, few: FewPrimes, picky: Picky, pickyStream: PickyStream };

class FakeClient {
  readonly calls: [how: 'execute' | 'iterate', command: unknown, options: CallOptions | undefined][] = [];

  execute(command: unknown, options?: CallOptions): Promise<unknown> {
    this.calls.push(['execute', command, options]);
    return Promise.resolve('one');
  }

  iterate(command: unknown, options?: CallOptions): AsyncIterableIterator<unknown, undefined> {
    this.calls.push(['iterate', command, options]);
    return (async function* () {
      yield 'many';
      return undefined;
    })();
  }

  /** The options of the last call. */
  get options(): CallOptions | undefined {
    return this.calls.at(-1)?.[2];
  }
}

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function fakeService() {
  const client = new FakeClient();
  return { client, calc: serviceOf(client, methods) };
}

describe('a method of a service', () => {
  it('executes a Command, and iterates a StreamCommand', async () => {
    const { client, calc } = fakeService();
    expect(await calc.add(2, 3)).toBe('one');
    const primes: unknown[] = [];
    for await (const prime of calc.primes(10)) primes.push(prime);
    expect(primes).toEqual(['many']);
    expect(client.calls).toEqual([
      ['execute', new Add(2, 3), undefined],
      ['iterate', new Primes(10), undefined],
    ]);
  });

  it('tells by all classes above its own that a Command has many Results', () => {
    const { client, calc } = fakeService();
    calc.few(3);
    expect(client.calls).toEqual([['iterate', new FewPrimes(3), undefined]]);
  });

  it('makes a new Command for each call', () => {
    const { client, calc } = fakeService();
    void calc.add(1, 1);
    void calc.add(1, 1);
    const [first, second] = client.calls;
    expect(first![1]).toBeInstanceOf(Add);
    expect(first![1]).not.toBe(second![1]);
  });

  it('needs no this, and is the same each time', async () => {
    const { calc } = fakeService();
    const { add, $with } = calc;
    expect(await add(2, 3)).toBe('one');
    expect(await $with({ timeoutMs: 5 }).add(2, 3)).toBe('one');
    expect(calc.add).toBe(add);
  });

  it('rejects with what the constructor throws; one with many Results throws it', async () => {
    const { client, calc } = fakeService();
    await expect(calc.picky('no')).rejects.toThrow(RangeError);
    expect(() => calc.pickyStream('no')).toThrow(RangeError);
    expect(client.calls).toEqual([]);
  });
});

describe('$with()', () => {
  it('gives every call its options, and leaves the service it is called on alone', () => {
    const { client, calc } = fakeService();
    const { signal } = new AbortController();
    const within = calc.$with({ timeoutMs: 100, signal });
    void within.add(2, 3);
    expect(client.options).toEqual({ timeoutMs: 100, signal });
    expect(client.options!.signal).toBe(signal);
    within.primes(2);
    expect(client.options).toEqual({ timeoutMs: 100, signal });
    void calc.add(2, 3);
    expect(client.options).toBeUndefined();
  });

  it('lets later options win, and merges metadata key by key', () => {
    const { client, calc } = fakeService();
    const first = calc.$with({ timeoutMs: 100, metadata: { tenant: 'a', user: 'x' } });
    void first.$with({ timeoutMs: 5, metadata: { user: 'y', trace: 't' } }).add();
    expect(client.options).toEqual({ timeoutMs: 5, metadata: { tenant: 'a', user: 'y', trace: 't' } });
    void first.$with({ metadata: {} }).add();
    expect(client.options).toEqual({ timeoutMs: 100, metadata: { tenant: 'a', user: 'x' } });
    void first.add();
    expect(client.options).toEqual({ timeoutMs: 100, metadata: { tenant: 'a', user: 'x' } });
  });

  it('takes what is undefined for not given', () => {
    const { client, calc } = fakeService();
    const unsaid = { timeoutMs: undefined, metadata: undefined } as CallOptions;
    void calc
      .$with({ timeoutMs: 100, metadata: { tenant: 'a' } })
      .$with(unsaid)
      .add();
    expect(client.options).toEqual({ timeoutMs: 100, metadata: { tenant: 'a' } });
  });

  it('keeps metadata as it was given', () => {
    const { client, calc } = fakeService();
    const metadata = { tenant: 'a' };
    const service = calc.$with({ metadata });
    metadata.tenant = 'b';
    void service.add();
    expect(client.options).toEqual({ metadata: { tenant: 'a' } });
  });

  it.each([
    ['an unknown option', { timeout: 1 }],
    ['a time limit that is none', { timeoutMs: -1 }],
    ['metadata that is no text', { metadata: { tenant: 1 } }],
    ['nothing', undefined],
    ['null', null],
  ])('refuses %s at once', (_what, options) => {
    const { calc } = fakeService();
    expect(thrownBy(() => calc.$with(options as never))).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('serviceOf()', () => {
  const refusal = (given: unknown): unknown => thrownBy(() => serviceOf(new FakeClient(), given as never));

  it.each(['$with', '$', '$add', 'then', 'toJSON', 'constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'refuses a method with the name %s',
    (name) => {
      const error = refusal({ add: Add, [name]: Add });
      expect(error).toMatchObject({ code: 'INVALID_CONTRACT', message: expect.stringContaining(`"${name}"`) });
    },
  );

  it.each([
    [
      'a class that extends no Command',
      Sum,
      'method "add": Sum is no class of Commands, it does not extend Command, StreamCommand or VoidCommand',
    ],
    ['an instance', new Add(), 'method "add": it needs a class of Commands, got an object'],
    ['a function', () => new Add(), 'method "add": it needs a class of Commands, got a function'],
    [
      'a type of messages',
      { [TYPE_ENTRY]: true, name: 'calc.Mul' },
      'method "add": calc.Mul is a type of messages, and a method needs a class of Commands',
    ],
    ['undefined', undefined, 'method "add": it needs a class of Commands, got undefined'],
    ['null', null, 'method "add": it needs a class of Commands, got null'],
  ])('refuses %s in the place of a class of Commands', (_what, type, message) => {
    expect(refusal({ add: type })).toMatchObject({ code: 'INVALID_CONTRACT', message });
  });

  it.each([
    ['a list', [Add]],
    ['a class', Add],
    ['null', null],
    ['nothing', undefined],
  ])('refuses %s', (_what, given) => {
    expect(refusal(given)).toMatchObject({ code: 'INVALID_CONTRACT' });
  });

  it.each([undefined, null, {}, { execute: () => {} }])('refuses %p in the place of a client', (client) => {
    expect(thrownBy(() => serviceOf(client as never, methods))).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('reads the methods once: later ones have no effect', () => {
    const client = new FakeClient();
    const given = { add: Add };
    const calc = serviceOf(client, given);
    given.add = Picky as never;
    void calc.$with({ timeoutMs: 1 }).add(1, 2);
    expect(client.calls).toEqual([['execute', new Add(1, 2), { timeoutMs: 1 }]]);
  });
});
