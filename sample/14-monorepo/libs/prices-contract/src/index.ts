export { GetPrice, Price, pricesContract } from './prices.contract.js';
