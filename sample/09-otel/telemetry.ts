import type { LogLevel } from '@nestjs/common';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type IdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { TreePrinter } from './trace-tree.js';

export const logger: LogLevel[] = ['error', 'warn'];

export type Provider = NodeTracerProvider;

/**
 * What makes the spans of a service. In a process of its own a service has one, which it registers, and gives `otel()`
 * nothing; here all services share a process, and their spans are known by it.
 */
export function providerOf(service: string, exporter: SpanExporter, idGenerator?: IdGenerator): Provider {
  return new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
    ...(idGenerator && { idGenerator }),
  });
}

/** Loaded with a collector only: without one there is no need to install it. */
const otlp: string = '@opentelemetry/exporter-trace-otlp-http';

/** To the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, such as http://localhost:4318; else to the console. */
export async function exporterByEnvironment(): Promise<SpanExporter> {
  if (!process.env['OTEL_EXPORTER_OTLP_ENDPOINT']) return new TreePrinter();
  const { OTLPTraceExporter } = (await import(otlp)) as { OTLPTraceExporter: new () => SpanExporter };
  return new OTLPTraceExporter();
}
