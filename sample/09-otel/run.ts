import { context, propagation, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { CommandServer } from 'nestjs-cmd-stream';
import { startGateway } from './gateway.js';
import { reasonWithoutGo, startGo } from './go.js';
import { startOrders } from './orders.js';
import { startPrices } from './prices.js';
import { providerOf, type Provider } from './telemetry.js';

/**
 * Starts all services, makes requests, one after the other, and ends them; gives the last answer. All spans
 * have then been exported.
 */
export async function run(exporter: SpanExporter, requests = 1) {
  const reason = reasonWithoutGo();
  if (reason) console.log(`the Go service is left out: ${reason}`);
  const providers = ['gateway', 'orders', 'prices'].map((service) => providerOf(service, exporter));
  const [ofGateway, ofOrders, ofPrices] = providers as [Provider, Provider, Provider];
  // What keeps the active span across await, and what writes it into metadata, are the same for all.
  ofGateway.register();

  const go = reason ? undefined : await startGo(exporter);
  const prices = await startPrices(go?.port, ofPrices);
  const orders = await startOrders(prices.unwrap<CommandServer>().address!.port, ofOrders);
  const gateway = await startGateway(orders.unwrap<CommandServer>().address!.port, ofGateway);

  let answer = '';
  for (let made = 0; made < requests; made++) {
    const response = await fetch(`${await gateway.getUrl()}/orders/7`);
    answer = await response.text();
  }

  for (const app of [gateway, orders, prices]) await app.close();
  await go?.stop(requests);
  for (const provider of providers) await provider.forceFlush();
  for (const api of [trace, context, propagation]) api.disable();
  return answer;
}
