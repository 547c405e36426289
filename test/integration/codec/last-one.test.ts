// Results that extend nothing and say by a field whether they are the last, in the codecs whose types are classes.
import { describe, expect, it } from '@jest/globals';
import { type CodecFactory, CommandClient, defineContract, type Invoker, jsonCodec } from '../../../lib/core.js';
import { mus, musCodec } from '../../../lib/mus.js';
import { CalcServer } from '../../support/calc-server.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();
const host = '127.0.0.1';

class GreetCmd {}

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

const greeter: Invoker = {
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
