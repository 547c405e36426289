// Nest handlers behind the MUS codec: Commands, streams, and a handler's Result that cannot be written.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { CommandHandler, type CmdStreamClientOptions } from 'nestjs-cmd-stream';
import { lastValueFrom, toArray } from 'rxjs';
import { GREETING } from '../support/calc-frames.js';
import {
  greeterCodec,
  greeterContract,
  Greeting,
  GreetingPart,
  SayFancyHelloCmd,
  SayFancyHelloMultiCmd,
  SayHelloCmd,
  streamingCodec,
  streamingContract,
} from '../support/greeter-contract.js';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
const greeterPeers = { contract: greeterContract, codec: greeterCodec };
const streamingPeers = { contract: streamingContract, codec: streamingCodec };

@Controller()
class GreeterController {
  @CommandHandler(SayHelloCmd)
  hello({ Str }: SayHelloCmd) {
    return new Greeting(Str === '' ? (5 as never) : `Hello ${Str}`);
  }

  @CommandHandler(SayFancyHelloCmd)
  async fancyHello(command: SayFancyHelloCmd) {
    return new Greeting(command instanceof SayFancyHelloCmd ? `Hello incredible ${command.Str}` : 'no instance');
  }

  @MessagePattern('sum')
  sum(terms: readonly number[]) {
    return terms.reduce((sum, term) => sum + term, 0);
  }
}

@Controller()
class StreamingController {
  @CommandHandler(SayFancyHelloMultiCmd)
  async *hello({ str }: SayFancyHelloMultiCmd) {
    yield new GreetingPart('Hello');
    yield new GreetingPart('incredible');
    yield new GreetingPart(str, true);
  }
}

const serve = async (controller: typeof GreeterController | typeof StreamingController, options: object) =>
  own(await NestServer.listen({ module: { controllers: [controller] }, options }));
const clientOf = (port: number, options: Partial<CmdStreamClientOptions>) => own(new HandMadeClient(port, options));

describe('a Nest server with the MUS codec', () => {
  it('speaks the bytes of the hello-world example', async () => {
    const server = await serve(GreeterController, greeterPeers);
    const peer = own(await server.connect());
    peer.write('010105776f726c64020205776f726c64');
    await peer.receivesBytes(46);
    expect(peer.hex.startsWith(GREETING)).toBe(true);
    expect(peer.hex).toContain('01010b48656c6c6f20776f726c64');
    expect(peer.hex).toContain('02011648656c6c6f20696e6372656469626c6520776f726c64');
  });

  it.each([true, false])('answers a Nest client, with the extension: %p', async (extension) => {
    const { port } = await serve(GreeterController, greeterPeers);
    const client = clientOf(port, { ...greeterPeers, extension });
    await expect(client.execute(new SayHelloCmd('world'))).resolves.toEqual(new Greeting('Hello world'));
    await expect(client.execute(new SayFancyHelloCmd('ü'))).resolves.toEqual(new Greeting('Hello incredible ü'));
  });

  it.each([true, false])('streams to a Nest client, with the extension: %p', async (extension) => {
    const { port } = await serve(StreamingController, streamingPeers);
    const client = clientOf(port, { ...streamingPeers, extension });
    const parts = await lastValueFrom(client.send(new SayFancyHelloMultiCmd('world')).pipe(toArray()));
    expect(parts.map(({ str }) => str)).toEqual(['Hello', 'incredible', 'world']);
  });

  it('serves patterns beside the Commands, as JSON', async () => {
    const { port } = await serve(GreeterController, greeterPeers);
    const client = clientOf(port, { ...greeterPeers, extension: true });
    await expect(lastValueFrom(client.send('sum', [1, 2]))).resolves.toBe(3);
    await expect(client.execute(new SayHelloCmd('x'))).resolves.toEqual(new Greeting('Hello x'));
  });

  it('goes on when a Result cannot be written', async () => {
    const { port } = await serve(GreeterController, greeterPeers);
    const client = clientOf(port, { ...greeterPeers, extension: true });
    await expect(client.execute(new SayHelloCmd(''))).rejects.toMatchObject({
      code: 'ENCODE_FAILED',
      message: expect.stringContaining('Greeting.Str: expected a string, got 5') as unknown,
    });
    await expect(client.execute(new SayHelloCmd('x'))).resolves.toEqual(new Greeting('Hello x'));
  });
});
