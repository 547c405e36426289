// Handlers that a server will never call are named at its start, as far as they can be known: one line for each reason.
import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, type Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { Command, CommandHandler, connectCmdStream, defineContract } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { guardLeaks } from '../support/leak-guard.js';
import { CalcResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();
const ELSEWHERE = Symbol('elsewhere');

class ServedCmd extends Command<CalcResult> {}
class TaggedCmd extends Command<CalcResult> {}
class OldCmd extends Command<CalcResult> {}
class ProvidedCmd extends Command<CalcResult> {}
class ForgottenCmd extends Command<CalcResult> {}
class UnhandledCmd extends Command<CalcResult> {}

const contract = defineContract({
  commands: [ServedCmd, TaggedCmd, OldCmd, ProvidedCmd, ForgottenCmd, UnhandledCmd],
  results: [CalcResult],
});

@Controller()
class Listed {
  @CommandHandler(ServedCmd)
  served() {
    return new CalcResult(1);
  }

  @CommandHandler(TaggedCmd, ELSEWHERE)
  tagged() {
    return new CalcResult(2);
  }

  @CommandHandler(OldCmd, { transportId: Transport.TCP })
  old() {
    return new CalcResult(3);
  }
}

@Injectable()
class Provided {
  @CommandHandler(ProvidedCmd)
  provided() {
    return new CalcResult(4);
  }
}

/** In no module. */
@Controller()
class Forgotten {
  @CommandHandler(ForgottenCmd)
  forgotten() {
    return new CalcResult(5);
  }
}

async function warningsOf(...controllers: Type[]): Promise<readonly string[]> {
  const module = { controllers, providers: [Provided] };
  const server = own(await NestServer.listen({ module, options: { contract } }));
  return server.logger.lines.filter((line) => line.startsWith('warn'));
}

describe('the handler of a Command', () => {
  it('is named at start where the server does not get it, with the reason', async () => {
    expect(await warningsOf(Listed)).toEqual([
      'warn: no handler for UnhandledCmd of the contract: no class that is loaded has a @CommandHandler() for it',
      'warn: no handler for TaggedCmd, OldCmd of the contract: Listed.tagged is for the transport Symbol(elsewhere), ' +
        'Listed.old is for the transport TCP, and the transportId of this server is ' +
        'Symbol(nestjs-cmd-stream.transport)',
      'warn: no handler for ProvidedCmd of the contract: a class with Provided.provided has to be a @Controller()',
      'warn: no handler for ForgottenCmd of the contract: ' +
        'is the class with Forgotten.forgotten among the `controllers` of a module?',
    ]);
  });

  it('is not named where its class is a controller of a module', async () => {
    expect((await warningsOf(Listed, Forgotten)).join('\n')).not.toContain('ForgottenCmd');
  });

  it('is not named where a class that extends its own one is a controller', async () => {
    @Controller()
    class Extending extends Provided {}
    expect((await warningsOf(Listed, Extending)).join('\n')).not.toContain('ProvidedCmd');
  });

  it('is served by the server whose transportId it has', async () => {
    const options = { contract: defineContract({ commands: [TaggedCmd], results: [CalcResult] }) };
    @Controller()
    class Elsewhere {
      @CommandHandler(TaggedCmd, ELSEWHERE)
      tagged() {
        return new CalcResult(6);
      }
    }
    const module = { controllers: [Elsewhere] };
    const server = own(await NestServer.listen({ module, options: { ...options, transportId: ELSEWHERE } }));
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
    const client = own(new HandMadeClient(server.port, options));
    expect(await client.execute(new TaggedCmd())).toEqual(new CalcResult(6));
  });
});

describe('handlers by pattern', () => {
  @Controller()
  class First {
    @MessagePattern('sum')
    sum() {
      return 'first';
    }

    @MessagePattern({ cmd: 'mul', by: 2 })
    mul() {
      return 'first';
    }

    @EventPattern('news')
    news(_data: unknown) {}

    @MessagePattern('both')
    both() {
      return 'message';
    }
  }
  @Controller()
  class Second {
    @MessagePattern('sum')
    sum() {
      return 'second';
    }

    @MessagePattern({ by: 2, cmd: 'mul' })
    mul() {
      return 'second';
    }

    @EventPattern('news')
    news(_data: unknown) {}

    @EventPattern('both')
    both(_data: unknown) {
      throw new Error('not to be called');
    }
  }

  it('are named where two have one pattern, of which one is never called', async () => {
    const module = { controllers: [First, Second] };
    const server = own(await NestServer.listen({ module, options: { contract: undefined } }));
    const client = own(new HandMadeClient(server.port, { contract: undefined, extension: 'require' }));
    expect(await firstValueFrom(client.send('sum', {}))).toBe('second');
    await lastValueFrom(client.emit('both', {}), { defaultValue: undefined });
    expect(await firstValueFrom(client.send('both', {}))).toBe('message');
    expect(server.logger.lines.filter((line) => /^warn|^error/.test(line))).toEqual([
      'warn: several handlers for the patterns sum, {"by":2,"cmd":"mul"}, both: only one of each is called; ' +
        'only those of events may share one',
    ]);
  });

  it('are named where the pattern is one that no message has', async () => {
    @Controller()
    class Matching {
      @MessagePattern(/^prices\./ as unknown as string)
      prices() {
        return 'never';
      }
    }
    const server = own(
      await NestServer.listen({ module: { controllers: [Matching] }, options: { contract: undefined } }),
    );
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: no message has the pattern /^prices\\./: a RegExp is for Transport.KAFKA alone',
    ]);
  });

  it('that are missed are named when the first message asks for them', async () => {
    @Controller()
    class Old {
      @MessagePattern('sum', Transport.TCP)
      sum() {
        return 'never';
      }

      @MessagePattern('ready')
      ready() {
        return 'yes';
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Old] }, options: { contract: undefined } }));
    const client = own(new HandMadeClient(server.port, { contract: undefined, extension: 'require' }));
    expect(await firstValueFrom(client.send('ready', {}))).toBe('yes');
    expect(server.logger.having('sum')).toEqual([]);
    await expect(firstValueFrom(client.send('sum', {}))).rejects.toMatch('There is no matching message handler');
    expect(server.logger.having('sum')).toEqual([
      'warn: no handler for messages with the pattern sum; one that is bound to a transport other than the option ' +
        'transportId is not served',
    ]);
  });
});

describe('connectCmdStream()', () => {
  @Controller()
  class Old {
    @MessagePattern('sum', Transport.TCP)
    sum() {
      return 'never';
    }

    @EventPattern({ news: 'all' }, Transport.NATS)
    news(_data: unknown) {}

    @MessagePattern('ready')
    ready() {
      return 'yes';
    }
  }
  @Module({ controllers: [Old] })
  class OldModule {}

  it.each<[string, Transport | undefined, readonly string[]]>([
    ['of no server', undefined, ['Old.sum (TCP)', 'Old.news (NATS)']],
    ['of one that another server has', Transport.TCP, ['Old.news (NATS)']],
  ])('names handlers bound to a transport %s of the application', async (_, transport, named) => {
    const logger = new SpyLogger();
    const app = await NestFactory.create(OldModule, { logger });
    own({ destroy: () => app.close() });
    connectCmdStream(app, { host: '127.0.0.1', port: 0 });
    if (transport === Transport.TCP) {
      app.connectMicroservice<MicroserviceOptions>({ transport, options: { host: '127.0.0.1', port: 0 } });
    }
    await app.startAllMicroservices();
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      `warn: no server of this application has the transport of ${named.join(', ')}: they are never called; ` +
        'take the transport away, or make it the option transportId',
    ]);
  });

  it('names them once, however many servers of Commands the application has', async () => {
    const logger = new SpyLogger();
    const app = await NestFactory.create(OldModule, { logger });
    own({ destroy: () => app.close() });
    for (const transportId of [undefined, ELSEWHERE])
      connectCmdStream(app, { host: '127.0.0.1', port: 0, transportId });
    await app.startAllMicroservices();
    expect(logger.having('no server of this application')).toHaveLength(1);
  });

  it('starts, without a word, in an early Nest 11 that does not know its servers', async () => {
    const { prototype } = ModulesContainer as unknown as { prototype: Record<string, unknown> };
    const { getRpcTargetRegistry } = prototype;
    prototype['getRpcTargetRegistry'] = undefined;
    own({ destroy: () => (prototype['getRpcTargetRegistry'] = getRpcTargetRegistry) });
    const logger = new SpyLogger();
    const app = await NestFactory.create(OldModule, { logger });
    own({ destroy: () => app.close() });
    connectCmdStream(app, { host: '127.0.0.1', port: 0 });
    await app.startAllMicroservices();
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });
});
