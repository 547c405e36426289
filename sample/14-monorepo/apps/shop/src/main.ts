import { startShop } from './shop.module.js';

async function main(): Promise<void> {
  const app = await startShop(Number(process.env['PORT'] ?? 8080));
  console.log(`the shop is ${await app.getUrl()}`);
}

void main();
