// Keys of a body must never reach a prototype or replace what a class does.
import { describe, expect, it } from '@jest/globals';
import { Expose } from 'class-transformer';
import { Command, Result } from '../../../lib/contract/command.js';
import { jsonBodies } from './json-bodies.js';

class BaseCmd extends Command {
  inherited(): string {
    return 'inherited';
  }

  get size(): number {
    return 1;
  }
}

class WorkCmd extends BaseCmd {
  A = 0;
  data: unknown = undefined;
  bound = (): string => 'bound';
  valueOf2 = 'field';

  override exec(): string {
    return 'exec';
  }

  toJSON(): object {
    return { A: this.A };
  }

  set secret(value: unknown) {
    this.data = value;
  }
}

/** Has the same, but is built by class-transformer. */
class ExposedCmd extends WorkCmd {
  @Expose() shown = 0;
}

class RawCmd {
  constructor(readonly value: unknown = null) {}

  static fromJSON(value: unknown): RawCmd {
    return new RawCmd(value);
  }
}

const refusedKey = (key: string, name = '') =>
  expect.objectContaining({ code: 'BAD_PAYLOAD', message: expect.stringMatching(new RegExp(`^${name}.*"${key}"`)) });

const prototypes = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Command.prototype,
  BaseCmd.prototype,
  WorkCmd.prototype,
  ExposedCmd.prototype,
  RawCmd.prototype,
];

/** All that is in the prototypes, to be compared by identity. */
const snapshot = (): readonly unknown[] =>
  prototypes.flatMap((prototype) =>
    Reflect.ownKeys(prototype).flatMap((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
      return [key, value as unknown, get, set];
    }),
  );

const pollution = [
  '{"__proto__":{"polluted":1}}',
  '{"__proto__":null}',
  '{"__proto__":5}',
  '{"__proto__":[]}',
  '{"\\u005f_proto__":{"polluted":1}}',
  '{"__pr\\u006fto__":{"polluted":1}}',
  '{"\\u005f\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f":{"polluted":1}}',
  '{"data":{"__proto__":{"polluted":1}}}',
  '{"data":[{"__proto__":{"polluted":1}}]}',
  '{"data":[[[{"a":{"__proto__":{"polluted":1}}}]]]}',
  '{"data":{"\\u005f_proto__":{"polluted":1}}}',
  '{"data":{"constructor":{"__proto__":{"polluted":1}}}}',
  '{"__proto__":{"toString":1},"__proto__":{"polluted":1}}',
  '{"A":1,"data":{"a":{"__proto__":{"__proto__":{"polluted":1}}}}}',
];

const harmless = [
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"prototype":{"polluted":1}}',
  '{"data":{"constructor":{"prototype":{"polluted":1}}}}',
  '{"data":{"prototype":{"polluted":1}}}',
  '{"data":[{"constructor":null}]}',
  '{"data":{"toString":"x","hasOwnProperty":1,"valueOf":null,"then":1}}',
  '{"data":{"__PROTO__":{"polluted":1},"__proto":1,"proto__":1}}',
  '{"data":"__proto__"}',
  '{"data":["\\u005f_proto__"]}',
  '{"data":"\\"__proto__\\":{}"}',
];

function outcomeOf(type: new () => object, fieldCase: 'exact' | 'go', body: string): string {
  try {
    const read = jsonBodies<object>(type, { fieldCase }).read(body);
    const polluted = Object.getPrototypeOf(read) !== type.prototype || 'polluted' in read;
    return polluted ? 'polluted' : 'an unpolluted instance';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the prototypes', () => {
  it.each([...pollution, ...harmless])('stay as they are after %s', (body) => {
    const before = snapshot();
    for (const type of [WorkCmd, ExposedCmd, RawCmd]) {
      for (const fieldCase of ['exact', 'go'] as const) {
        expect(outcomeOf(type, fieldCase, body)).toMatch(/^(an unpolluted instance|BAD_PAYLOAD)$/);
      }
    }
    const after = snapshot();
    expect(after).toHaveLength(before.length);
    expect(after.findIndex((item, at) => !Object.is(item, before[at]))).toBe(-1);
    expect('polluted' in {}).toBe(false);
  });
});

describe('a key `__proto__`', () => {
  it.each(pollution)('is refused in %s', (body) => {
    for (const type of [WorkCmd, ExposedCmd, RawCmd]) {
      expect(() => jsonBodies<object>(type).read(body)).toThrow(refusedKey('__proto__', type.name));
    }
  });

  it('is refused in a body where it would not be seen at the top', () => {
    const body = `{"data":[${'{"a":1},'.repeat(500)}{"__proto__":1}]}`;
    expect(() => jsonBodies(WorkCmd).read(body)).toThrow(refusedKey('__proto__'));
  });
});

describe('keys `constructor` and `prototype`', () => {
  it.each(harmless)('and other words in data stay data: %s', (body) => {
    const read = jsonBodies(WorkCmd).read(body);
    const plain = JSON.parse(body) as Record<string, unknown>;
    expect(Object.getPrototypeOf(read)).toBe(WorkCmd.prototype);
    for (const [key, value] of Object.entries(plain))
      expect(Object.getOwnPropertyDescriptor(read, key)?.value).toEqual(value);
    expect(jsonBodies(RawCmd).read(body).value).toEqual(plain);
  });

  it('do not hide from the codec which class a value has', () => {
    const bodies = jsonBodies(WorkCmd);
    expect(bodies.write(bodies.read('{"A":1,"constructor":{"name":"x"}}'))).toBe('{"A":1}');
  });

  it.each(['{"constructor":1}', '{"prototype":1}', '{"data":[{"constructor":{}}]}', '{"shown":{"a":{"prototype":1}}}'])(
    'are refused where class-transformer runs: %s',
    (body) => {
      const [, key = ''] = /"(constructor|prototype)"/.exec(body) ?? [];
      expect(() => jsonBodies(ExposedCmd).read(body)).toThrow(refusedKey(key, 'ExposedCmd'));
    },
  );
});

describe('a key that names what the class does', () => {
  const methods = [
    'exec',
    'toJSON',
    'inherited',
    'size',
    'secret',
    'bound',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'isPrototypeOf',
    '__defineGetter__',
  ];

  it.each(methods)('is refused: %s', (key) => {
    const escaped = `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`;
    for (const type of [WorkCmd, ExposedCmd]) {
      for (const fieldCase of ['exact', 'go'] as const) {
        const bodies = jsonBodies<WorkCmd>(type, { fieldCase });
        expect(() => bodies.read(`{"A":1,"${key}":5}`)).toThrow(refusedKey(key, type.name));
        expect(() => bodies.read(`{"${escaped}":null}`)).toThrow(refusedKey(key, type.name));
      }
    }
  });

  it("is refused in another letter case, too, where fieldCase: 'go' makes it that key", () => {
    const bodies = jsonBodies<WorkCmd>(WorkCmd, { fieldCase: 'go' });
    expect(() => bodies.read('{"BOUND":5}')).toThrow(refusedKey('bound', 'WorkCmd'));
  });

  it('is refused for `lastOne` of a Result', () => {
    class Part extends Result {}
    expect(() => jsonBodies(Part).read('{"lastOne":true}')).toThrow(refusedKey('lastOne', 'Part'));
  });

  it('is a field like any other when the class has a field of that name', () => {
    class Odd {
      valueOf: unknown = 0;
    }
    expect(Object.entries(jsonBodies(Odd).read('{"valueOf":7}'))).toEqual([['valueOf', 7]]);
  });

  it('stays data in what is deeper', () => {
    expect(jsonBodies(WorkCmd).read('{"data":{"exec":1,"toJSON":2}}').data).toEqual({ exec: 1, toJSON: 2 });
  });
});
