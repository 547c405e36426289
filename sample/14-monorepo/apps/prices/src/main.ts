import { startPrices } from './prices.module.js';

await startPrices(Number(process.env['PRICES_PORT'] ?? 3000));
