import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { serviceOf, treeOf } from './trace-tree.js';

const width = 860;
const left = 300;
const rowHeight = 28;
const colors = new Map([
  ['gateway', '#4c78a8'],
  ['orders', '#f58518'],
  ['prices', '#54a24b'],
  ['calc', '#b279a2'],
]);

/** The trace as SVG: a row for each span, as long as it lasted. */
export function pictureOf(spans: readonly ReadableSpan[]): string {
  const tree = treeOf(spans);
  const begin = Math.min(...spans.map(({ startTime }) => millis(startTime)));
  const end = Math.max(...spans.map(({ endTime }) => millis(endTime)));
  const x = (time: readonly [number, number]) => left + ((millis(time) - begin) / (end - begin)) * (width - left - 90);
  const rows = tree.map(({ span, depth }, row) => {
    const y = row * rowHeight + 20;
    const [from, to] = [x(span.startTime), x(span.endTime)];
    const ms = (millis(span.endTime) - millis(span.startTime)).toFixed(2);
    const service = serviceOf(span);
    return [
      `  <text x="8" y="${y}" fill="${colors.get(service)}">${service}</text>`,
      `  <text x="${70 + depth * 12}" y="${y}">${escaped(span.name)}</text>`,
      `  <rect x="${from.toFixed(1)}" y="${y - 13}" width="${Math.max(to - from, 1).toFixed(1)}" height="18" rx="2" fill="${colors.get(service)}"/>`,
      `  <text x="${(to + 6).toFixed(1)}" y="${y}">${ms} ms</text>`,
    ].join('\n');
  });
  const height = tree.length * rowHeight + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `  <title>The spans of one request</title>`,
    `  <rect width="${width}" height="${height}" fill="#fff"/>`,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

function millis([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1e3 + nanos / 1e6;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
