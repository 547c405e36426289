// The process of one server: a Nest application that answers the Commands of the stress test and those of Go, and keeps
// a journal of what has run. SIGTERM drains it; it never outlives its parent.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamContext,
  CmdStreamError,
  CmdStreamServer,
  CommandHandler,
  enableGracefulShutdown,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { InteropController } from '../interop/interop-server.js';
import { gaugeSample, watchLoop } from './gauge.js';
import { JournalWriter } from './journal.js';
import {
  StressEcho,
  StressEchoCmd,
  StressFailCmd,
  StressItem,
  stressContract,
  StressStreamCmd,
  textOf,
} from './stress-contract.js';
import type { ServerSetup, ServerWord } from './stress-server.js';

const { port, journal: path, tls } = JSON.parse(process.argv[2]!) as ServerSetup;
const journal = new JournalWriter(path);

@Controller()
class StressController {
  @CommandHandler(StressEchoCmd)
  async echo({ id, text, ms, mayRepeat }: StressEchoCmd, context: CmdStreamContext) {
    journal.note(id, mayRepeat);
    // Who does not wait any more costs no time; the answer is dropped.
    if (ms > 0) await delay(ms, undefined, { signal: context.signal }).catch(() => {});
    return new StressEcho(id, text);
  }

  @CommandHandler(StressStreamCmd)
  async *stream({ id, count, bytes, mayRepeat }: StressStreamCmd) {
    journal.note(id, mayRepeat);
    for (let index = 0; index < count; index++) {
      yield new StressItem(id, index, textOf(id, index, bytes), index === count - 1);
    }
  }

  @CommandHandler(StressFailCmd)
  fail({ id }: StressFailCmd): StressEcho {
    journal.note(id, false);
    throw CmdStreamError.remote({ id });
  }
}

@Module({ controllers: [StressController, InteropController] })
class StressModule {}

function say(word: ServerWord): void {
  // Without its parent there is no one to say it to, and an error about that would be the next thing to say.
  if (!process.connected) process.exit(1);
  process.send!(word, () => {});
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => say({ defect: `${event}: ${String((error as Error)?.stack ?? error)}` }));
}
const loop = watchLoop();
process.on('message', () => void gaugeSample(loop).then((sample) => say({ sample })));
const onlyChild = (): never => process.exit(1);
process.on('disconnect', onlyChild);
process.once('SIGTERM', () => {
  process.off('disconnect', onlyChild);
  process.channel?.unref();
});
const strategy = new CmdStreamServer({
  host: '127.0.0.1',
  port,
  contract: stressContract,
  ...(tls && { tls }),
  onConnectionRefused: (_client, { code }) => say({ refused: code }),
  onDisconnect: ({ remotePort }, { code, message }) => say({ left: `:${remotePort} ${code}, ${message}` }),
});
const app = await NestFactory.createMicroservice<MicroserviceOptions>(StressModule, {
  strategy,
  logger: ['error', 'fatal'],
});
enableGracefulShutdown(app);
await app.listen();
say({ port: app.unwrap<CommandServer>().address!.port });
