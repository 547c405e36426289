// Compiled, never run: what Nest's base classes leave open and the server and the client of this package do not.
import type { INestMicroservice } from '@nestjs/common';
import type { ClientProxy, CustomTransportStrategy } from '@nestjs/microservices';
import type { CmdStreamClient, CmdStreamError, CmdStreamServer, CmdStreamServerStatus } from 'nestjs-cmd-stream';
import type { CommandClient, CommandServer } from 'nestjs-cmd-stream/core';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

export function events(server: CmdStreamServer): void {
  server.on('status', (status, cause) => {
    assert<Equal<typeof status, CmdStreamServerStatus>>();
    assert<Equal<typeof cause, CmdStreamError | undefined>>();
  });
  // @ts-expect-error: there is no such event
  server.on('conectionLost', () => {});
  // @ts-expect-error: a listener is given the status first
  server.on('status', (status: number) => status);
}

export function unwraps(client: CmdStreamClient, server: CmdStreamServer, app: INestMicroservice): void {
  const coreClient = client.unwrap();
  const coreServer = server.unwrap();
  assert<Equal<typeof coreClient, CommandClient>>();
  assert<Equal<typeof coreServer, CommandServer>>();
  client.unwrap<CommandClient>();
  server.unwrap<CommandServer>();
  app.unwrap<CommandServer>();
  // @ts-expect-error: it is the core client
  client.unwrap<string>();
  // @ts-expect-error: it is the core server
  server.unwrap<string>();
  // @ts-expect-error: and not the core client
  server.unwrap<CommandClient>();
}

/** As Nest takes them. */
export function asNest(
  client: CmdStreamClient,
  server: CmdStreamServer,
): readonly [ClientProxy, CustomTransportStrategy] {
  return [client, server];
}
