// An application that is started with an SDK in front of it (`node --import`), which it does not know, and beside the
// instrumentation of Nest's HTTP handlers: what arrives at a collector.
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { OtelCollector } from '../support/otel-collector.js';
import { outputOf } from '../support/program.js';
import { projectRoot } from '../support/project.js';

const own = guardLeaks();
const TIMEOUT_MS = 120_000;

async function runApplication(): Promise<OtelCollector> {
  const collector = own(await OtelCollector.start());
  const env = {
    ...process.env,
    OTEL_SERVICE_NAME: 'calc',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_LOGS_EXPORTER: 'none',
  };
  const loaded = ['typescript-loader.mjs', 'otel-auto-start.mjs'].flatMap((file) => [
    '--import',
    `./test/support/${file}`,
  ]);
  const args = [...loaded, 'test/support/otel-application.ts'];
  expect(await outputOf(own, process.execPath, args, { cwd: projectRoot, env })).toBe('{"value":10}\n');
  return collector;
}

describe('an application behind `node --import`', () => {
  it(
    'has its calls and Commands in the trace of its HTTP handler, and its metrics at the collector',
    async () => {
      const { spans, metrics } = await runApplication();
      const named = (name: string) => {
        const [span, ...others] = spans.filter((one) => one.name === name);
        expect(others).toEqual([]);
        return span!;
      };
      const handler = named('getSum');
      const [sent, invoked] = [named('Send AddCmd'), named('Invoke AddCmd')];
      const [sentByPattern, invokedByPattern] = [named('Send double'), named('Invoke double')];
      expect([sent, sentByPattern].map(({ kind, parentSpanId }) => [kind, parentSpanId])).toEqual([
        [3, handler.spanId],
        [3, handler.spanId],
      ]);
      expect([invoked, invokedByPattern].map(({ kind, parentSpanId }) => [kind, parentSpanId])).toEqual([
        [2, sent.spanId],
        [2, sentByPattern.spanId],
      ]);
      expect(new Set(spans.filter(({ traceId }) => traceId === handler.traceId))).toEqual(
        new Set(spans.filter(({ name }) => !name.startsWith('Create '))),
      );
      expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['calc']));
      const unitOf = (name: string) => metrics.find((metric) => metric.name === name)?.unit;
      expect(unitOf('cmd-stream.client.command.count')).toBe('{command}');
      expect(unitOf('cmd-stream.server.result.size')).toBe('By');
      expect(unitOf('rpc.server.call.duration')).toBe('s');
      expect(unitOf('cmd-stream.server.connection.opened')).toBe('{connection}');
    },
    TIMEOUT_MS,
  );
});
