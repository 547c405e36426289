import 'reflect-metadata';
import { Controller, Get, Module, Param, ParseIntPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { CmdStreamClient, CmdStreamModule, InjectCmdStreamClient } from 'nestjs-cmd-stream';
import { otel } from 'nestjs-cmd-stream/otel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GetOrder, ordersContract } from './shop.contract.js';
import { logger, type Provider } from './telemetry.js';

@Controller('orders')
export class OrdersGateway {
  constructor(@InjectCmdStreamClient() private readonly orders: CmdStreamClient<typeof ordersContract>) {}

  @Get(':id')
  order(@Param('id', ParseIntPipe) id: number) {
    return this.orders.execute(new GetOrder(id));
  }
}

/** Starts the gateway to the orders at `port` and resolves with the application once it listens. */
export async function startGateway(port: number, tracerProvider: Provider) {
  const instrumentation = otel({ tracerProvider });

  @Module({
    imports: [CmdStreamModule.register({ port, contract: ordersContract, instrumentation })],
    controllers: [OrdersGateway],
  })
  class GatewayModule {}

  const app = await NestFactory.create(GatewayModule, { logger });
  app.use(spansOfRequests(tracerProvider));
  await app.listen(0, 'localhost');
  return app;
}

// Where @opentelemetry/instrumentation-http is loaded before all else, it makes these spans.
function spansOfRequests(provider: Provider) {
  const tracer = provider.getTracer('gateway');
  return ({ method, url, headers }: IncomingMessage, response: ServerResponse, next: () => void) => {
    const parent = propagation.extract(context.active(), headers);
    tracer.startActiveSpan(`${method} ${url}`, { kind: SpanKind.SERVER }, parent, (span) => {
      response.once('close', () => span.end());
      next();
    });
  };
}
