// Which Result is the last: those that extend nothing say it by a field, in the codecs whose types are classes; a
// `lastOne()` of the user is asked once for each Result, on either side.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  type CodecFactory,
  CommandClient,
  defineContract,
  type CommandInvoker,
  jsonCodec,
  Result,
} from '../../../lib/core.js';
import { mus, musCodec } from '../../../lib/mus.js';
import { CalcServer } from '../../support/calc-server.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();
const host = '127.0.0.1';

class GreetCmd extends Command<Greeting> {}

class Greeting {
  constructor(
    readonly str = '',
    readonly lastOne = false,
  ) {}
}

const contract = defineContract({ commands: [GreetCmd], results: [Greeting] });
const serializers = {
  commands: [mus.struct(GreetCmd, {})],
  results: [mus.struct(Greeting, { str: mus.string, lastOne: mus.bool })],
};
const codecs: readonly (readonly [string, CodecFactory])[] = [
  ['JSON', jsonCodec()],
  ['MUS', musCodec(serializers)],
];

const greeter: CommandInvoker = {
  invoke: (_command, _context, sink) => {
    for (const word of ['Hello', 'incredible']) sink.next(new Greeting(word));
    sink.next(new Greeting('world', true));
    return sink.complete();
  },
};

describe.each(codecs)('a stream of Results with a field lastOne (%s)', (_, codec) => {
  it.each([true, false])('goes on up to the one where it is true (extension: %p)', async (extension) => {
    const server = own(await CalcServer.start({ contract, codec, invoker: greeter }));
    const client = own(new CommandClient({ host, port: server.port, contract, codec, extension }));
    const words: string[] = [];
    for await (const greeting of client.iterate(new GreetCmd() as never)) words.push((greeting as Greeting).str);
    expect(words).toEqual(['Hello', 'incredible', 'world']);
    await expect(client.execute(new GreetCmd() as never)).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
  });
});

const asked: string[] = [];

class CountCmd extends Command<Count> {
  constructor(readonly to = 1) {
    super();
  }
}

class Count extends Result {
  constructor(readonly n = -1) {
    super();
  }

  override lastOne(): boolean {
    asked.push(`${this.n}${Object.hasOwn(this, 'isSent') ? ' sent' : ' received'}`);
    return this.n === 0;
  }
}

const counting = defineContract({ commands: [CountCmd], results: [Count] });

/** The mark does not travel. */
const sent = (n: number): Count => Object.defineProperty(new Count(n), 'isSent', { value: true });

const counter: CommandInvoker = {
  invoke: (command, _context, sink) => {
    for (let n = (command as CountCmd).to - 1; n > 0; n--) sink.next(sent(n));
    return sink.complete(sent(0));
  },
};

describe.each([true, false])('lastOne() of a Result (extension: %p)', (extension) => {
  it('is asked once by the server, and once by the client', async () => {
    const server = own(await CalcServer.start({ contract: counting, invoker: counter }));
    const client = own(new CommandClient({ host, port: server.port, contract: counting, extension }));
    asked.length = 0;
    await client.execute(new CountCmd());
    expect(asked).toEqual(['0 sent', '0 received']);
    asked.length = 0;
    for await (const { n } of client.iterate(new CountCmd(3))) expect(n).toBeGreaterThanOrEqual(0);
    expect(asked.toSorted()).toEqual([0, 1, 2].flatMap((n) => [`${n} received`, `${n} sent`]));
  });
});
