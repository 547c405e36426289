import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamClient, CmdStreamModule, InjectCmdStreamClient } from 'nestjs-cmd-stream';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { AddCmd, calcContract, PrimesCmd, SubCmd } from './calc.contract.js';

@Injectable()
export class Pupil {
  constructor(@InjectCmdStreamClient() private readonly calc: CmdStreamClient<typeof calcContract>) {}

  async ask() {
    const sum = await this.calc.execute(AddCmd.create({ A: 2n, B: 3n }));
    const difference = await this.calc.execute(SubCmd.create({ A: 8n, B: 4n }));
    console.log(`2 + 3 = ${sum.R}\n8 - 4 = ${difference.R}`);
    await this.calc.send(PrimesCmd.create({ count: 10 })).forEach(({ value }) => console.log(`prime ${value}`));
  }
}

/** Starts an application that uses the server on `port`. */
export async function startClient(port: number) {
  @Module({
    imports: [CmdStreamModule.register({ port, contract: calcContract, codec: protobufCodec() })],
    providers: [Pupil],
  })
  class PupilModule {}
  return NestFactory.createApplicationContext(PupilModule, { logger: ['error', 'warn'] });
}
