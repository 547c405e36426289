import 'reflect-metadata';
import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamClient, CmdStreamServer, CommandHandler } from 'nestjs-cmd-stream';
import { otel } from 'nestjs-cmd-stream/otel';
import { setTimeout } from 'node:timers/promises';
import { AddCmd, calcContract, TracedAddCmd } from './calc.contract.js';
import { GetPrice, Price, pricesContract } from './shop.contract.js';
import { logger, type Provider } from './telemetry.js';

const ADD = Symbol('how two numbers are added');
type Add = (a: number, b: number) => Promise<number>;

const netCents = 1_999;
const postageCents = 490;

@Controller()
export class PricesController {
  constructor(@Inject(ADD) private readonly add: Add) {}

  @CommandHandler(GetPrice)
  async price() {
    await setTimeout(5); // as long as a database takes
    return new Price(await this.add(netCents, postageCents));
  }
}

/** Starts the service, which has the Go service at `goPort` add, where there is one. */
export async function startPrices(goPort: number | undefined, tracerProvider: Provider) {
  const instrumentation = otel({ tracerProvider });
  const calc =
    goPort === undefined
      ? undefined
      : new CmdStreamClient({ host: '127.0.0.1', port: goPort, contract: calcContract, instrumentation });
  const add: Add = async (a, b) =>
    calc === undefined ? a + b : (await calc.execute(new TracedAddCmd(new AddCmd(a, b)))).value;

  @Module({ controllers: [PricesController], providers: [{ provide: ADD, useValue: add }] })
  class PricesModule {
    async onApplicationShutdown() {
      await calc?.close();
    }
  }

  const strategy = new CmdStreamServer({ port: 0, contract: pricesContract, instrumentation });
  const app = await NestFactory.createMicroservice(PricesModule, { strategy, logger });
  await app.listen();
  return app;
}
