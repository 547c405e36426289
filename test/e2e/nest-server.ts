// A Nest microservice at a port of its own, with the log it wrote and the ways to reach it; and a controller that adds.
import { Controller, Module, type INestMicroservice, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  CommandHandler,
  type CmdStreamClientOptions,
  type CmdStreamServerOptions,
  type CommandClient,
  type CommandServer,
} from 'nestjs-cmd-stream';
import type { Given } from '../support/given.js';
import { RawPeer } from '../support/raw-peer.js';
import { AddCmd, calcContract, CalcResult } from './calc.contract.js';
import { SpyLogger } from './spy-logger.js';

export interface NestServerSetup {
  readonly module: ModuleMetadata;
  readonly options?: Given<CmdStreamServerOptions>;
  /** What is to be done before the application listens. */
  readonly before?: (app: INestMicroservice, strategy: CmdStreamServer) => unknown;
}

export const serverOptions: CmdStreamServerOptions = {
  contract: calcContract,
  host: '127.0.0.1',
  port: 0,
  quietPeriodMs: 20,
  gracePeriodMs: 200,
};

@Controller()
export class Adder {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

export class NestServer {
  readonly app: INestMicroservice;
  readonly strategy: CmdStreamServer;
  readonly logger: SpyLogger;

  private constructor(app: INestMicroservice, strategy: CmdStreamServer, logger: SpyLogger) {
    this.app = app;
    this.strategy = strategy;
    this.logger = logger;
  }

  /** An application that does not listen yet. */
  static async create({ module, options, before }: NestServerSetup): Promise<NestServer> {
    @Module(module)
    class RootModule {}
    const logger = new SpyLogger();
    const strategy = new CmdStreamServer({ ...serverOptions, ...options } as CmdStreamServerOptions);
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(RootModule, { strategy, logger });
    await before?.(app, strategy);
    return new NestServer(app, strategy, logger);
  }

  static async listen(setup: NestServerSetup): Promise<NestServer> {
    const server = await NestServer.create(setup);
    await server.app.listen();
    return server;
  }

  get core(): CommandServer {
    return this.app.unwrap<CommandServer>();
  }

  get port(): number {
    return this.core.address!.port;
  }

  connect(): Promise<RawPeer> {
    return RawPeer.connect(this.port);
  }

  destroy(): Promise<void> {
    return this.app.close();
  }
}

/** A plain client by hand, without a Nest application. */
export class HandMadeClient extends CmdStreamClient {
  constructor(port: number, options: Given<CmdStreamClientOptions> = {}) {
    const standard = { contract: calcContract, host: '127.0.0.1', port, extension: false };
    super({ ...standard, ...options } as CmdStreamClientOptions);
  }

  destroy(): void {
    this.unwrap<CommandClient>().destroy();
  }
}
