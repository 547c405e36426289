import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CmdStreamClient, CmdStreamModule, getCmdStreamClientToken, serviceOf } from 'nestjs-cmd-stream';
import { calcContract, calcMethods, type CalcService } from './calc.contract.js';

export const CALC = Symbol('the calculator');

@Injectable()
export class Pupil {
  constructor(@Inject(CALC) private readonly calc: CalcService) {}

  async ask() {
    const sum = await this.calc.add(2, 3);
    const difference = await this.calc.$with({ timeoutMs: 1_000 }).sub(8, 4);
    console.log(`2 + 3 = ${sum.value}\n8 - 4 = ${difference.value}`);
    for await (const { value } of this.calc.primes(10)) console.log(`prime ${value}`);
  }
}

/** Starts an application that uses the server on `port`. */
export async function startClient(port: number) {
  @Module({
    imports: [CmdStreamModule.register({ port, contract: calcContract })],
    providers: [
      Pupil,
      {
        provide: CALC,
        inject: [getCmdStreamClientToken()],
        useFactory: (client: CmdStreamClient) => serviceOf(client, calcMethods),
      },
    ],
  })
  class PupilModule {}
  return NestFactory.createApplicationContext(PupilModule, { logger: ['error', 'warn'] });
}
