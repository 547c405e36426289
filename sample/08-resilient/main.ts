import { setTimeout as delay } from 'node:timers/promises';
import type { INestMicroservice } from '@nestjs/common';
import type { CommandServer } from 'nestjs-cmd-stream';
import { cockatielBreaker } from 'nestjs-cmd-stream/circuit-breaker';
import { filter, firstValueFrom } from 'rxjs';
import { connect, outcomeOf } from './client.js';
import { startServer } from './server.js';
import { Pay, Price } from './shop.contract.js';

const coreOf = (server: INestMicroservice) => server.unwrap<CommandServer>();

/** As a crash would: nothing is answered any more. */
async function crash(server: INestMicroservice): Promise<void> {
  await coreOf(server).destroy();
  await server.close();
}

async function showKeepalive(): Promise<void> {
  const server = await startServer(0);
  let opened = 0;
  server.on('connection', () => opened++);
  const client = await connect(coreOf(server).address!.port);
  await delay(1_500);
  console.log(`silent for 1.5 s: ${await outcomeOf(client.execute(new Price(3)))}, ${opened} connections so far`);
  await client.close();
  await server.close();
}

async function showOutage(): Promise<void> {
  const server = await startServer(0);
  const { port } = coreOf(server).address!;
  const client = await connect(port);
  const price = outcomeOf(client.execute(new Price(3)));
  const payment = outcomeOf(client.execute(new Pay(750)));
  while (coreOf(server).inFlight < 2) await delay(1);
  await crash(server);
  console.log('the server crashes');
  console.log(`  a payment it was at: ${await payment}`);
  const late = outcomeOf(client.execute(new Pay(500)));
  const successor = await startServer(port);
  console.log('it is back');
  console.log(`  a price it was at: ${await price}`);
  console.log(`  a payment that was made meanwhile: ${await late}`);
  await client.close();
  await successor.close();
}

async function showCircuit(): Promise<void> {
  const states = new Set<string>();
  const breaker = cockatielBreaker({
    windowSize: 4,
    openDurationMs: 300,
    successThreshold: 1,
    onStateChange: (state) => void states.add(state),
  });
  const server = await startServer(0);
  const { port } = coreOf(server).address!;
  const client = await connect(port, breaker);
  const pay = () => outcomeOf(client.execute(new Pay(750)));
  console.log(`with a circuit breaker: ${await pay()}`);
  await crash(server);
  await firstValueFrom(client.status.pipe(filter((status) => status === 'disconnected')));

  const failures = new Set<string>();
  while (!failures.has('CIRCUIT_OPEN')) failures.add(await pay());
  console.log(`  the server crashes: ${[...failures].join(', then ')}`);
  const successor = await startServer(port);
  let outcome = await pay();
  while (outcome !== '750 cents') outcome = await delay(20).then(pay);
  console.log(`  it is back: ${outcome}`);
  await client.close();
  await successor.close();
  console.log(`  the circuit was ${[...states].join(', ')}`);
}

async function main(): Promise<void> {
  const { PORT } = process.env;
  if (PORT === undefined) {
    await showKeepalive();
    await showOutage();
    await showCircuit();
  } else {
    await startServer(Number(PORT));
    console.log(`listening on port ${PORT}`);
  }
}

void main();
