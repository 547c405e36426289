import { startShop } from './shop.module.js';

const app = await startShop(Number(process.env['PORT'] ?? 8080));
console.log(`the shop is ${await app.getUrl()}`);
