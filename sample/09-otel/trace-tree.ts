import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';

export interface Branch {
  readonly span: ReadableSpan;
  readonly depth: number;
}

export function serviceOf({ resource }: ReadableSpan): string {
  return String(resource.attributes['service.name']);
}

/** Each span below the one it is a part of. */
export function treeOf(spans: readonly ReadableSpan[]): readonly Branch[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const parentOf = ({ parentSpanContext }: ReadableSpan) =>
    parentSpanContext && ids.has(parentSpanContext.spanId) ? parentSpanContext.spanId : undefined;
  const below = (parent: string | undefined, depth: number): Branch[] =>
    spans.flatMap((span) =>
      parentOf(span) === parent ? [{ span, depth }, ...below(span.spanContext().spanId, depth + 1)] : [],
    );
  return below(undefined, 0);
}

/** Prints all spans as a tree, when no more will come. */
export class TreePrinter implements SpanExporter {
  readonly #spans: ReadableSpan[] = [];

  export(spans: ReadableSpan[], done: (result: { code: number }) => void) {
    this.#spans.push(...spans);
    done({ code: 0 });
  }

  async shutdown() {
    for (const { span, depth } of treeOf(this.#spans))
      console.log(`${serviceOf(span).padEnd(7)}  ${'  '.repeat(depth)}${span.name}`);
    this.#spans.length = 0;
  }
}
