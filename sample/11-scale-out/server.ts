import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer, type CommandServer, enableGracefulShutdown } from 'nestjs-cmd-stream';
import { squareContract } from './square.contract.js';
import { SquareController } from './square.controller.js';

const logger: LogLevel[] = ['error', 'warn'];

@Module({ controllers: [SquareController] })
export class SquareModule {}

/** What each server process does: the same on a port of its own and on a shared one. */
export async function serve(port: number, host = '127.0.0.1') {
  const strategy = new CmdStreamServer({ host, port, contract: squareContract });
  const app = await NestFactory.createMicroservice(SquareModule, { strategy, logger });
  // SIGTERM: the clients go elsewhere, what they have sent is answered, then the process ends.
  enableGracefulShutdown(app);
  await app.listen();
  // A process that has lost its parent drains as well. A worker of node:cluster ends at once: that is Node's own rule.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Where nothing has started it that waits for a message, such as a container, there is no one to send it to.
  process.send?.(app.unwrap<CommandServer>().address!.port);
}
