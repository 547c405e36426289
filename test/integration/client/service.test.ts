// A service over a connection: what its methods give and fail with, and what its options do to the call.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  CommandClient,
  CommandServer,
  defineContract,
  ExecInvoker,
  Result,
  serviceOf,
  StreamCommand,
  VoidCommand,
  type CommandContext,
} from '../../../lib/core.js';
import { errorOf } from '../../support/error-of.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();

class Text extends Result {
  constructor(readonly text = '') {
    super();
  }
}

class Greet extends Command<Text> {
  constructor(
    readonly name = '',
    readonly greeting = 'Hello',
  ) {
    super();
  }

  override exec(_receiver: unknown, { metadata }: CommandContext) {
    return new Text(`${this.greeting} ${this.name}${metadata['mark'] ?? ''}`);
  }
}

/** Answers when its caller does not wait any more. */
class Wait extends Command<Text> {
  override exec(_receiver: unknown, { signal }: CommandContext): Promise<Text> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(new Text('too late'))));
  }
}

class Letters extends StreamCommand<Text> {
  constructor(readonly text = '') {
    super();
  }

  override async *exec() {
    for (const letter of this.text) yield new Text(letter);
  }
}

class Note extends VoidCommand {
  static readonly noted: string[] = [];

  constructor(readonly text = '') {
    super();
  }

  override async exec() {
    Note.noted.push(this.text);
  }
}

const contract = defineContract({ commands: [Greet, Wait, Letters, Note], results: [Text] });
const methods = { greet: Greet, wait: Wait, letters: Letters, note: Note };

async function open() {
  const server = own(new CommandServer({ contract, host: '127.0.0.1', port: 0, invoker: new ExecInvoker(undefined) }));
  const { port } = await server.listen();
  const client = own(new CommandClient({ contract, host: '127.0.0.1', port }));
  return { client, service: serviceOf(client, methods) };
}

describe('a service over a connection', () => {
  it('gives one Result, an instance of its class, with the defaults of the constructor', async () => {
    const { service } = await open();
    const text: Text = await service.greet('world');
    expect(text).toEqual(new Text('Hello world'));
    expect(text).toBeInstanceOf(Text);
    expect(await service.greet('world', 'Bye')).toEqual(new Text('Bye world'));
  });

  it('gives all Results of a stream, in their order', async () => {
    const { service } = await open();
    const letters: string[] = [];
    for await (const { text } of service.letters('abc')) letters.push(text);
    expect(letters).toEqual(['a', 'b', 'c']);
  });

  it('resolves with nothing when a Command without Results is done', async () => {
    const { service } = await open();
    expect(await service.note('a note')).toBeUndefined();
    expect(Note.noted).toEqual(['a note']);
  });

  it('sends the options of $with() along', async () => {
    const { service } = await open();
    const marked = service.$with({ metadata: { mark: '!' } });
    expect(await marked.greet('world')).toEqual(new Text('Hello world!'));
    expect(await errorOf(marked.$with({ timeoutMs: 20 }).wait())).toMatchObject({ code: 'TIMEOUT' });
    const aborted = marked.$with({ signal: AbortSignal.abort(new Error('not any more')) });
    await expect(aborted.greet('world')).rejects.toThrow('not any more');
  });

  it('fails as the client does', async () => {
    const { client, service } = await open();
    client.destroy();
    expect(await errorOf(service.greet('world'))).toMatchObject({ code: 'CLOSED' });
    expect(await errorOf(service.letters('abc').next())).toMatchObject({ code: 'CLOSED' });
  });
});
