// A collector of OpenTelemetry on this machine: it keeps what is exported to it in OTLP, as JSON.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** As much of a span as is looked at here. */
export interface ExportedSpan {
  readonly name: string;
  /** Of the protocol: 1 within, 2 of a server, 3 of a client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

export interface ExportedMetric {
  readonly name: string;
  readonly unit: string;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Exported {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly ExportedMetric[] }[];
  }[];
}

export class OtelCollector {
  readonly #exported: Exported[] = [];
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      this.#exported.push(JSON.parse(body) as Exported);
      response.setHeader('content-type', 'application/json').setHeader('connection', 'close').end('{}');
    });
  });

  static async start(): Promise<OtelCollector> {
    const collector = new OtelCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): readonly (ExportedSpan & { readonly service: string | undefined })[] {
    return this.#exported
      .flatMap(({ resourceSpans = [] }) => resourceSpans)
      .flatMap(({ resource, scopeSpans }) => {
        const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
        return scopeSpans.flatMap(({ spans }) => spans).map((span) => ({ ...span, service }));
      });
  }

  get metrics(): readonly ExportedMetric[] {
    return this.#exported
      .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  }

  destroy(): void {
    this.#server.close();
  }
}
