// Both applications in one process, for a look at them: each has a main.ts of its own.
import type { CommandServer } from 'nestjs-cmd-stream';
import { startPrices } from './apps/prices/src/prices.module.js';
import { startShop } from './apps/shop/src/shop.module.js';

async function show(url: string) {
  const response = await fetch(url, { headers: { connection: 'close' } });
  console.log(`GET ${new URL(url).pathname}: ${response.status} ${await response.text()}`);
}

// With PORT=8080 both stay, and PRICES_PORT says where the service listens.
async function main(): Promise<void> {
  const { PORT, PRICES_PORT } = process.env;
  const prices = await startPrices(Number(PRICES_PORT ?? (PORT === undefined ? 0 : 3000)));
  process.env['PRICES_PORT'] = String(prices.unwrap<CommandServer>().address!.port);
  const shop = await startShop(Number(PORT ?? 0));
  const url = await shop.getUrl();

  if (PORT === undefined) {
    await show(url + '/prices/tea');
    await show(url + '/prices/gold');
    await shop.close();
    await prices.close();
  } else {
    console.log(`the shop is ${url}`);
  }
}

void main();
