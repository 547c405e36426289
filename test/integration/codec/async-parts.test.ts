// Code of classes and codecs that must answer at once, and is async: it costs its own call. (Jest fails a test that an
// unhandled rejection happens in.)
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Command,
  CommandClient,
  CommandServer,
  defineContract,
  jsonCodec,
  Result,
  type Codec,
  type Contract,
  type CommandInvoker,
} from '../../../lib/core.js';
import { dataText, errorText, plainData } from '../../../lib/codec/pattern-message.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { mus, type MusSerializer } from '../../../lib/mus.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { jsonBodies } from '../../unit/codec/json-bodies.js';

const own = guardLeaks();
const fails = (): Promise<never> => Promise.reject(new Error('rejected'));
const failing = (code: string, part: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(part) });

class AskCmd extends Command {
  constructor(public which = '') {
    super();
  }
}

class LastResult extends Result {
  override lastOne(): boolean {
    return fails() as never;
  }
}

class ReadResult extends Result {
  static async fromJSON(): Promise<ReadResult> {
    return fails();
  }
}

class FineResult extends Result {
  text = 'fine';
}

class PartCmd extends Command {
  flag = false;
}

class SentCmd extends Command {
  async toJSON(): Promise<unknown> {
    return fails();
  }
}

class InsideCmd extends Command {
  part = {
    async toJSON(): Promise<unknown> {
      return fails();
    },
  };
}

const contract = defineContract({
  commands: [AskCmd, SentCmd, InsideCmd],
  results: [FineResult, LastResult, ReadResult],
});

const answering: CommandInvoker = {
  invoke(command, _context, sink) {
    const { which } = command as AskCmd;
    sink.complete(which === 'last' ? new LastResult() : which === 'read' ? new ReadResult() : new FineResult());
  },
};

/** Rejections are notified when a turn of the event loop is over. */
afterEach(() => new Promise((resolve) => setImmediate(resolve)));

async function clientOf(codec?: Codec): Promise<CommandClient> {
  const server = new CommandServer({ host: '127.0.0.1', port: 0, contract: contract as Contract, invoker: answering });
  const { port } = own({ ...(await server.listen()), destroy: () => server.close({ gracePeriodMs: 0 }) }) as {
    port: number;
  };
  return own(new CommandClient({ host: '127.0.0.1', port, contract, ...(codec && { codec }) }));
}

describe('async code of a class', () => {
  it.each([
    ['lastOne', new AskCmd('last'), 'ENCODE_FAILED', 'lastOne() of LastResult must answer at once'],
    ['fromJSON', new AskCmd('read'), 'BAD_PAYLOAD', 'must answer at once'],
    ['toJSON', new SentCmd(), 'ENCODE_FAILED', 'SentCmd is a Promise'],
    ['toJSON of a part', new InsideCmd(), 'ENCODE_FAILED', 'InsideCmd.part is a Promise'],
  ])('costs its own call: %s', async (_, command, code, part) => {
    const client = await clientOf();
    await expect(client.execute(command)).rejects.toEqual(failing(code, part));
    await expect(client.execute(new AskCmd())).resolves.toEqual(new FineResult());
  });

  it('is noticed where a class has an async toJSON of its own, again and again', () => {
    class Part {
      async toJSON(): Promise<unknown> {
        return fails();
      }
    }
    class Whole {
      parts: unknown[] = [];
    }
    const bodies = jsonBodies(Whole);
    for (let round = 0; round < 3; round++)
      expect(() => bodies.write(Object.assign(new Whole(), { parts: [new Part()] }))).toThrow(
        /^Whole\.parts\[0\] is a Promise/,
      );
    expect(bodies.write(new Whole())).toMatch(/\{"parts":\[\]\}$/);
  });
});

describe('an async toJSON in data of a pattern', () => {
  const part = {
    async toJSON(): Promise<unknown> {
      return fails();
    },
  };
  class Part {
    toJSON(): Promise<unknown> {
      return fails();
    }
  }
  class Shown {
    readonly at = new Date(0);

    toJSON(): unknown {
      return { shown: this.at };
    }
  }

  it.each<[string, unknown]>([
    ['data itself', part],
    ['a field', { rows: [{}, { part }] }],
    ['of a class', [1, 2, 3, 4, new Part()]],
    ['behind another one', { toJSON: () => ({ part }) }],
    ['of a Date', Object.assign(new Date(0), part)],
    ['of bytes', [Object.assign(Buffer.alloc(1), part)]],
  ])('is an error, and its promise ends nothing: %s', (_, data) => {
    const refused = failing('ENCODE_FAILED', 'a toJSON() must answer at once, and gave a promise');
    expect(() => dataText(data)).toThrow(refused);
    expect(() => errorText(data, jsonCodecDefaults)).toThrow(refused);
    expect(() => plainData(data)).toThrow(refused);
  });

  it('is an error of its own deeper than data may be, too', () => {
    const limits = { ...jsonCodecDefaults, maxDepth: 3 };
    const refused = failing('ENCODE_FAILED', 'must answer at once');
    for (const data of [[[part]], [[[part]]], [[[[part]]]], { a: { b: { c: { part } } } }])
      expect(() => dataText(data, limits)).toThrow(refused);
    expect(() => dataText([[[[1]]]], limits)).toThrow(failing('JSON_LIMIT', 'maxDepth (3)'));
  });

  it('keeps to itself what an Error says, without an end either', () => {
    const error = Object.assign(new Error('secret'), part);
    expect(errorText({ error }, jsonCodecDefaults)).toBe('{"error":{}}');
  });

  it('changes nothing else: data is what JSON makes of it', () => {
    const round: Record<string, unknown> = {};
    round['self'] = round;
    round['other'] = round;
    const data = {
      shown: new Shown(),
      at: new Date(0),
      bytes: Buffer.from('ab'),
      plain: Uint8Array.of(1),
      url: new URL('http://a/'),
      nothing: undefined,
    };
    for (const value of [data, [data, null, 1.5], 'text', undefined, Object.create(null)])
      expect(dataText(value)).toBe(JSON.stringify(value) ?? '');
    expect(() => dataText(round)).toThrow(failing('ENCODE_FAILED', 'circular'));
  });
});

describe('an async method of a codec', () => {
  const json = jsonCodec()(contract);
  const rejecting = { encodeCommand: fails, decodeResult: fails };

  it.each<[keyof typeof rejecting, string]>([
    ['encodeCommand', 'ENCODE_FAILED'],
    ['decodeResult', 'BAD_PAYLOAD'],
  ])('is an error that names it: %s', async (method, code) => {
    const codec: Codec = {
      name: 'json',
      encodeCommand: (command, writer) => json.encodeCommand(command, writer),
      decodeCommand: (reader) => json.decodeCommand(reader),
      encodeResult: (result, writer) => json.encodeResult(result, writer),
      decodeResult: (reader) => json.decodeResult(reader),
      [method]: rejecting[method],
    };
    const client = await clientOf(codec);
    await expect(client.execute(new AskCmd())).rejects.toEqual(
      failing(code, `${method}() of the codec must answer at once`),
    );
  });
});

describe('async code of MUS', () => {
  it('is no check that a value fits', () => {
    const checked = mus.bool.check(async () => fails());
    expect(() => checked.fromBytes(Uint8Array.of(1))).toThrow(failing('BAD_PAYLOAD', 'must answer at once'));
  });

  it('is no layout of its own', () => {
    const custom = mus.custom<number>({ encode: fails as never, decode: fails as never });
    expect(() => custom.toBytes(1)).toThrow(failing('ENCODE_FAILED', 'encode() of mus.custom must answer at once'));
    expect(() => custom.fromBytes(new Uint8Array())).toThrow(
      failing('BAD_PAYLOAD', 'decode() of mus.custom must answer'),
    );
  });

  it('is no serializer of a part', () => {
    for (const method of ['encode', 'decode']) {
      const part: MusSerializer<boolean> = Object.assign(
        mus.bool.check(() => true),
        { [method]: async () => true },
      );
      expect(() => mus.slice(part)).toThrow(failing('INVALID_CONTRACT', 'is async'));
      expect(() => mus.struct(PartCmd, { flag: part })).toThrow(failing('INVALID_CONTRACT', 'is async'));
    }
  });
});
