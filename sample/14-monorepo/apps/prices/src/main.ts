import { startPrices } from './prices.module.js';

async function main(): Promise<void> {
  await startPrices(Number(process.env['PRICES_PORT'] ?? 3000));
}

void main();
