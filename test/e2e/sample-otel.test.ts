// The sample 09-otel does what it says: one trace through all its services, to the console or to a collector.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { reasonWithoutGo } from '../../sample/09-otel/go.js';
import { pictureOf } from '../../sample/09-otel/picture.js';
import { run } from '../../sample/09-otel/run.js';
import { exporterByEnvironment } from '../../sample/09-otel/telemetry.js';
import { serviceOf } from '../../sample/09-otel/trace-tree.js';
import { OtelCollector } from '../support/otel-collector.js';
import { parentOf } from '../support/otel-memory.js';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';
import { itUnless } from '../support/unless.js';

const own = guardLeaks();
const folder = new URL('../../sample/09-otel/', import.meta.url);
const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** `go run` builds the service first. */
const BUILD_TIMEOUT_MS = 300_000;

const all: readonly (readonly [service: string, name: string])[] = [
  ['gateway', 'GET /orders/7'],
  ['gateway', 'Send GetOrder'],
  ['orders', 'Invoke GetOrder'],
  ['orders', 'Send GetPrice'],
  ['prices', 'Invoke GetPrice'],
  ['prices', 'Send AddCmd (trace)'],
  ['calc', 'Invoke AddCmd (trace)'],
];
const services = reasonWithoutGo() ? all.slice(0, 5) : all;
const names = services.map(([, name]) => name);

describe('sample 09-otel', () => {
  const print = jest.spyOn(console, 'log').mockImplementation(() => {});

  afterEach(() => {
    print.mockClear();
    delete process.env[endpoint];
  });

  it(
    'makes one trace, in which each span is a part of the one before',
    async () => {
      const exporter = new InMemorySpanExporter();
      expect(JSON.parse(await run(exporter))).toEqual({ id: 7, cents: 2489 });
      const spans = services.map(([service, name]) => {
        const [span, ...others] = exporter.getFinishedSpans().filter((one) => one.name === name);
        expect(others).toEqual([]);
        expect(serviceOf(span!)).toBe(service);
        return span!;
      });
      expect(exporter.getFinishedSpans()).toHaveLength(services.length);
      expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
      const ids = spans.map((span) => span.spanContext().spanId);
      expect(spans.map(parentOf)).toEqual([undefined, ...ids.slice(0, -1)]);
      expect([...pictureOf(spans).matchAll(/<text x="\d+" y="\d+">(.*)<\/text>/g)].map(([, name]) => name)).toEqual(
        names,
      );
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'sends its spans to the collector that the environment names',
    async () => {
      const collector = own(await OtelCollector.start());
      process.env[endpoint] = collector.url;
      const exporter = await exporterByEnvironment();
      await run(exporter);
      await exporter.shutdown();
      const arrived = collector.spans.map(({ service, name }) => [service, name]);
      expect(arrived).toHaveLength(services.length);
      expect(arrived).toEqual(expect.arrayContaining([...services]));
    },
    BUILD_TIMEOUT_MS,
  );

  itUnless(
    reasonWithoutGo(),
    'prints what its README says, and ends',
    async () => {
      expect(await printedOutput(own, '09-otel')).toBe(shownOutput('09-otel'));
    },
    BUILD_TIMEOUT_MS,
  );

  it('leaves out what Go would answer where that is missing, and says so', async () => {
    const lines = shownOutput('09-otel')
      .split('\n')
      .filter((line) => !line.includes('AddCmd'));
    const said = 'the Go service is left out: Go is not installed';
    expect(await printedOutput(own, '09-otel', { PATH: '' })).toBe([said, ...lines].join('\n'));
  });

  it('has a picture of what it prints', () => {
    const picture = readFileSync(new URL('trace.svg', folder), 'utf8');
    const drawn = [...picture.matchAll(/<text x="\d+" y="\d+">(.*)<\/text>/g)].map(([, name]) => name);
    expect(drawn).toEqual(all.map(([, name]) => name));
  });
});
