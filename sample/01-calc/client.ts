import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamClient, CmdStreamModule, InjectCmdStreamClient } from 'nestjs-cmd-stream';
import { AddCmd, calcContract, PrimesCmd, SubCmd } from './calc.contract.js';

@Injectable()
export class Pupil {
  constructor(@InjectCmdStreamClient() private readonly calc: CmdStreamClient<typeof calcContract>) {}

  async ask() {
    const sum = await this.calc.execute(new AddCmd(2, 3));
    const difference = await this.calc.execute(new SubCmd(8, 4));
    console.log(`2 + 3 = ${sum.value}\n8 - 4 = ${difference.value}`);
    await this.calc.send(new PrimesCmd(10)).forEach(({ P }) => console.log(`prime ${P}`));
  }
}

/** Starts an application that uses the server on `port`. */
export async function startClient(port: number) {
  @Module({ imports: [CmdStreamModule.register({ port, contract: calcContract })], providers: [Pupil] })
  class PupilModule {}
  return NestFactory.createApplicationContext(PupilModule, { logger: ['error', 'warn'] });
}
