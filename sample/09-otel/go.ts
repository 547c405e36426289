import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { providerOf } from './telemetry.js';

/** The Go programs of the tests of this package: `traced` answers AddCmd, and prints each of its spans as a line. */
const folder = 'test/interop/go';

interface GoSpan {
  readonly Name: string;
  readonly TraceID: string;
  readonly SpanID: string;
  readonly ParentID: string;
  readonly StartMicros: number;
  readonly EndMicros: number;
}

/** Why there is no Go service here; undefined where there is one. */
export function reasonWithoutGo(): string | undefined {
  if (!existsSync(folder)) return 'its sources are in a clone of the repository only';
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Go is not installed';
  }
}

/** Builds the Go service and starts it. `stop` waits for the spans of so many Commands. */
export async function startGo(exporter: SpanExporter) {
  const child = spawn('go', ['run', './cmd/traced', 'server', 'json', '127.0.0.1:0'], {
    cwd: folder,
    env: { ...process.env, GOFLAGS: '-mod=readonly' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the Go service has ended');
    return value;
  };
  const listening = await next();
  return {
    port: Number(listening.split(':').at(-1)),
    async stop(commands: number) {
      for (let ended = 0; ended < commands; ended++) await replay(JSON.parse(await next()) as GoSpan, exporter);
      child.stdin.end();
      await exited;
    },
  };
}

/**
 * Exports a span that Go has made, as it was. A service of yours exports its spans itself, with `otlptracehttp`.
 */
async function replay(span: GoSpan, exporter: SpanExporter) {
  const ids = { generateTraceId: () => span.TraceID, generateSpanId: () => span.SpanID };
  const provider = providerOf('calc', exporter, ids);
  const sent = { traceId: span.TraceID, spanId: span.ParentID, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const options = { kind: SpanKind.SERVER, startTime: hrTime(span.StartMicros) };
  const parent = trace.setSpanContext(ROOT_CONTEXT, sent);
  provider.getTracer('calc').startSpan(span.Name, options, parent).end(hrTime(span.EndMicros));
  await provider.forceFlush();
}

function hrTime(micros: number): [seconds: number, nanos: number] {
  return [Math.floor(micros / 1e6), (micros % 1e6) * 1e3];
}
