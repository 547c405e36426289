// The alerts and the dashboard of docs ask for metrics and labels that otel() has, and each failure has an alert.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Meter } from '@opentelemetry/api';
import { ClientMetrics, Open, ServerMetrics } from '../../lib/otel/connection-metrics.js';
import { Instruments } from '../../lib/otel/instruments.js';
import { projectRoot, readLib } from '../support/project.js';
import { tableRows } from './markdown.js';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const page = { path: 'docs/observability.md', text: read('docs/observability.md') };

/** The names under which Prometheus has what the instruments of both sides measure. */
function prometheusNames(): ReadonlySet<string> {
  const names = new Set<string>();
  const creating =
    (kind: string) =>
    (name: string, { unit }: { readonly unit: string }): object => {
      for (const one of namesOf(kind, name, unit)) names.add(one);
      return {};
    };
  const meter = new Proxy({} as Meter, {
    get: (_, method: string) => (method.startsWith('create') ? creating(method.slice('create'.length)) : () => {}),
  });
  for (const side of ['client', 'server'] as const) void new Instruments(meter, side, true);
  void new ClientMetrics(meter, new Open());
  void new ServerMetrics(meter, new Open());
  return names;
}

/** As OpenTelemetry's rules for Prometheus have it: the unit, then what kind of instrument it is. */
function namesOf(kind: string, name: string, unit: string): readonly string[] {
  const units: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' };
  const base = `${name.replaceAll(/[.-]/g, '_')}${units[unit] ?? ''}`;
  if (kind === 'Histogram') return ['_bucket', '_count', '_sum'].map((end) => base + end);
  return [/^(Observable)?Counter$/.test(kind) ? `${base}_total` : base];
}

/** What is written in lib/otel, as labels; and what Prometheus has of its own. */
function labels(): ReadonlySet<string> {
  const sources = readLib().filter(({ path }) => path.startsWith('lib/otel/'));
  const texts = sources.flatMap(({ text }) => [...text.matchAll(/'([a-z][\w.-]*)'/g)].map(([, name]) => name!));
  return new Set([...texts.map((name) => name.replaceAll(/[.-]/g, '_')), 'job', 'instance', 'le']);
}

/** The metrics and the labels of an expression. */
function wordsOf(expression: string) {
  const inLists = [...expression.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g)].flatMap(([, list]) =>
    list!.split(','),
  );
  const inBraces = [...expression.matchAll(/(\w+)\s*[!=]=?~?"/g)].map(([, label]) => label!);
  const bare = expression.replaceAll(/\{[^}]*\}|\b(?:by|on|group_left) \([^)]*\)/g, ' ');
  return {
    metrics: bare.match(/\b(?:cmd_stream|rpc)_\w+/g) ?? [],
    labels: [...inLists.map((label) => label.trim()).filter((label) => label !== ''), ...inBraces],
  };
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

const rules = read('docs/prometheus-alerts.yml');
const valuesOf = (key: string): readonly string[] =>
  [...rules.matchAll(new RegExp(`^ +(?:- )?${key}: (.+)$`, 'gm'))].map(([, value]) => value!);
const { panels } = JSON.parse(read('docs/grafana-dashboard.json')) as Dashboard;
const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('what Prometheus is asked for', () => {
  const known = { metrics: prometheusNames(), labels: labels() };

  it.each([
    ['the alerts', valuesOf('expr')],
    ['the dashboard', asked],
  ])('is there: %s', (_, expressions) => {
    expect(expressions.length).toBeGreaterThan(5);
    for (const expression of expressions) {
      const words = wordsOf(expression);
      expect(words.metrics).not.toEqual([]);
      expect(words.metrics.filter((name) => !known.metrics.has(name))).toEqual([]);
      expect(words.labels.filter((name) => !known.labels.has(name))).toEqual([]);
    }
  });

  it('shows every metric of connections on the dashboard', () => {
    const shown = new Set(asked.flatMap((expression) => wordsOf(expression).metrics));
    const left = [...known.metrics].filter((name) => !shown.has(name) && !/_(bucket|count|sum)$/.test(name));
    // What the dashboard has by another metric already.
    expect(left.toSorted()).toEqual([
      'cmd_stream_client_connection_opened_total',
      'cmd_stream_client_result_count_total',
      'cmd_stream_server_connection_opened_total',
    ]);
  });
});

describe('an alert', () => {
  it('is there for each failure of "What to watch", and in the table of alerts', () => {
    const failures = tableRows(page, 'What fails', 'What shows it').map(([failure]) => failure);
    expect(valuesOf('summary')).toEqual(failures);
    const shown = tableRows(page, 'Alert', 'What fails', 'Fires when').map(([alert, failure]) => [alert, failure]);
    expect(shown).toEqual(valuesOf('alert').map((alert, at) => [`\`${alert}\``, failures[at]]));
  });
});
