import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { writeFileSync } from 'node:fs';
import { pictureOf } from './picture.js';
import { run } from './run.js';

async function main(): Promise<void> {
  const [file = 'trace.svg'] = process.argv.slice(2);
  const exporter = new InMemorySpanExporter();
  // The first requests take longer: connections are opened, and code is compiled.
  await run(exporter, 50);
  const spans = exporter.getFinishedSpans();
  const last = spans.findLast(({ name }) => name === 'GET /orders/7')?.spanContext().traceId;
  writeFileSync(file, pictureOf(spans.filter((span) => span.spanContext().traceId === last)));
}

void main();
