import type { INestApplication } from '@nestjs/common';
import { CmdStreamServer, type CommandServer } from 'nestjs-cmd-stream';
import { startGateway } from './gateway.js';
import { startStock } from './stock.js';

// PORT=8080 STOCK_PORT=3000 nest start 12-gateway keeps both up; without PORT they answer a few requests and end.
const { PORT } = process.env;

async function show(app: INestApplication, path: string, order?: object) {
  const headers = { connection: 'close', 'content-type': 'application/json' };
  const request = order ? { method: 'POST', body: JSON.stringify(order), headers } : { method: 'GET', headers };
  const response = await fetch((await app.getUrl()) + path, request);
  const answer = (await response.json()) as object;
  // What health says beside its status names hosts and ports.
  const shown = path === '/health' && 'status' in answer ? answer.status : JSON.stringify(answer);
  console.log(`${request.method} ${path} ${request.body ?? ''}`.trimEnd());
  console.log(`  ${response.status} ${shown}`);
}

async function showAll() {
  // What is logged of errors would stand between the answers.
  const logger = ['fatal' as const];
  process.env['STOCK_PORT'] = '0';
  const stock = await startStock(0, logger);
  process.env['STOCK_PORT'] = String(stock.get(CmdStreamServer).unwrap<CommandServer>().address!.port);
  const gateway = await startGateway(0, logger);

  await show(gateway, '/orders', { item: 'tea', pieces: 3 });
  await show(gateway, '/orders', { item: 'tea', pieces: 0 });
  await show(gateway, '/orders', { item: 'coffee', pieces: 1 });
  await show(gateway, '/orders', { item: 'tea', pieces: 8 });
  await show(gateway, '/orders', { item: 'antiques', pieces: 1 });
  await show(gateway, '/health');
  console.log('-- the service stops');
  await stock.close();
  await show(gateway, '/orders', { item: 'tea', pieces: 1 });
  await show(gateway, '/health');
  await gateway.close();
}

async function main(): Promise<void> {
  if (PORT === undefined) {
    await showAll();
  } else {
    const stock = await startStock(0, ['error', 'warn']);
    const gateway = await startGateway(Number(PORT), ['error', 'warn']);
    console.log(`the gateway is ${await gateway.getUrl()}, the health of the service ${await stock.getUrl()}/health`);
  }
}

void main();
