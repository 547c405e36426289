// A server and a client of this package without any contract: what a user has who came from Nest's TCP transport.
import type { Type } from '@nestjs/common';
import type { CmdStreamClientOptions, CmdStreamServerOptions } from 'nestjs-cmd-stream';
import type { Given } from '../support/given.js';
import { HandMadeClient, NestServer } from './nest-server.js';

export interface DropInSetup {
  readonly controllers: Type[];
  readonly server?: Given<CmdStreamServerOptions>;
  readonly client?: Given<CmdStreamClientOptions>;
}

export class DropInPair {
  private constructor(
    readonly server: NestServer,
    readonly client: HandMadeClient,
  ) {}

  static async listen({ controllers, server = {}, client = {} }: DropInSetup): Promise<DropInPair> {
    const options = { contract: undefined, ...server };
    const nest = await NestServer.listen({ module: { controllers }, options });
    return new DropInPair(nest, dropInClient(nest.port, client));
  }

  async destroy(): Promise<void> {
    this.client.destroy();
    await this.server.destroy();
  }
}

export function dropInClient(port: number, options: Given<CmdStreamClientOptions> = {}): HandMadeClient {
  return new HandMadeClient(port, { contract: undefined, extension: true, ...options });
}
