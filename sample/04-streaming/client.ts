import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamClient, CmdStreamModule, InjectCmdStreamClient, isCmdStreamError } from 'nestjs-cmd-stream';
import { take, timeout } from 'rxjs';
import { Count, numbersContract, Search, Watch } from './numbers.contract.js';

@Injectable()
export class Reader {
  constructor(@InjectCmdStreamClient() private readonly client: CmdStreamClient<typeof numbersContract>) {}

  /** All of them, one by one; the loop sets the pace. */
  async iterate() {
    const taken: number[] = [];
    for await (const { value } of this.client.iterate(new Count(3))) taken.push(value);
    return taken;
  }

  /** All of them as an Observable. The first one has five seconds to come, the others have all the time they need. */
  async observe() {
    const taken: number[] = [];
    const numbers = this.client.send(new Count(3)).pipe(timeout({ first: 5_000 }));
    await numbers.forEach(({ value }) => void taken.push(value));
    return taken;
  }

  /** Leaves the loop in the middle, which ends the generator at the server. */
  async leave() {
    let taken = 0;
    for await (const _number of this.client.iterate(new Count(1_000_000))) if (++taken === 100) break;
    return taken;
  }

  /** `take(3)` unsubscribes, which ends the Observable at the server. */
  async unsubscribe() {
    const taken: number[] = [];
    await this.client
      .send(new Watch(10))
      .pipe(take(3))
      .forEach(({ value }) => void taken.push(value));
    return taken;
  }

  /** What is left of the time travels with the Command, and both sides give up when it is over. */
  async runOutOfTime() {
    const taken: (number | string)[] = [];
    try {
      for await (const { value } of this.client.iterate(new Search(), { timeoutMs: 1_000 })) taken.push(value);
    } catch (error) {
      taken.push(isCmdStreamError(error) ? error.code : 'another error');
    }
    return taken;
  }
}

/** Starts an application that uses the server on `port`. */
export async function startClient(port: number) {
  @Module({ imports: [CmdStreamModule.register({ port, contract: numbersContract })], providers: [Reader] })
  class ReaderModule {}
  return NestFactory.createApplicationContext(ReaderModule, { logger: ['error', 'warn'] });
}
