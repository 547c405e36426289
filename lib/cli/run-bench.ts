// `cmd-stream bench`: many calls of one kind, as many at a time or in a second as was asked for: how many a server
// answers, and how soon.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { CommandClient } from '../client/command-client.js';
import { codeOf, messageOf } from '../errors.js';
import { UsageError, type Arguments, type Usage } from './arguments.js';
import {
  addressNote,
  callFlags,
  cameMore,
  clientOf,
  connectionFlags,
  endFlags,
  helpFlags,
  MORE_CAME,
  planOf,
  serverText,
  type CallPlan,
} from './calls.js';
import { failureText } from './failures.js';
import { msText } from './run-ping.js';
import { exitCodes, type Terminal } from './terminal.js';

export const benchUsage: Usage = {
  name: 'bench',
  operands: '<address> <type> [json]',
  fewest: 1,
  most: 3,
  summary: 'how many calls a server answers, and how soon',
  about: [
    'Sends one Command over and over and measures the calls, each from when it was sent to its last Result. Without ' +
      '--rate each of the callers sends its next call when it has its answer. With --rate calls are due at fixed times, and ' +
      'are measured from when they were due: a server that cannot keep up shows in the latency. Progress goes to ' +
      'stderr, the report to stdout. <type>, [json] and how a call ends are as in cmd-stream send.',
    addressNote,
  ],
  flags: {
    concurrency: {
      short: 'c',
      value: '<number>',
      text: 'callers, which is how many calls are under way at most (default: 64)',
    },
    connections: { value: '<number>', text: 'connections that they share (default: 1)' },
    duration: { short: 'd', value: '<time>', text: 'how long (default: 10s)' },
    rate: { short: 'r', value: '<number>', text: 'calls a second, instead of as many as there can be' },
    timeout: { short: 't', value: '<time>', text: 'time for each call; 0: no limit (default: 10s)' },
    json: { text: 'the report as one line of JSON' },
    quiet: { short: 'q', text: 'no progress' },
    ...callFlags,
    ...endFlags,
    ...connectionFlags,
    ...helpFlags,
  },
  examples: [
    ['cmd-stream bench :9000 0 \'{"A":2,"B":3}\'', '64 callers for ten seconds'],
    [
      'cmd-stream bench :9000 AddCmd \'{"A":2}\' --contract calc.contract.js -c 500 --connections 4',
      'more of them, over four connections',
    ],
    ['cmd-stream bench :9000 0 \'{"A":2,"B":3}\' --rate 5000 -d 1m', 'latency at 5,000 calls a second'],
    ['cmd-stream bench :9000 0 -q --json | jq .latencyMs.p99', 'one number'],
  ],
  exit: 'Exit code: 0 when no call has failed, 1 when one has, 2 when it was called wrongly.',
};

const NS_PER_MS = 1e6;
/** An hour. */
const MOST_NS = 3_600_000 * NS_PER_MS;
/** Who has failed does not try again at once: a server that is gone would keep this process busy. */
const PAUSE_MS = 10;

export async function runBench(args: Arguments, terminal: Terminal): Promise<number> {
  const concurrency = args.number('concurrency', 64, 1, 65_536);
  const connections = args.number('connections', 1, 1, 1_024);
  const durationMs = args.timeMs('duration', 10_000, 1);
  const rate = args.number('rate', 0, 1, 10_000_000);
  const timeoutMs = args.timeMs('timeout', 10_000);
  const plan = await planOf(args, terminal);
  if (plan.endsInTime) throw new UsageError('bench needs an end for each call: --results is a number here');
  const client = clientOf(args, plan, { connectionsPerServer: connections, reconnect: true });
  try {
    await client.connect();
    const run = new BenchRun(client, plan, timeoutMs, terminal);
    const hasMore = plan.isGuess && (await run.first());
    const stopReporting = args.has('quiet') ? () => {} : run.reportEachSecond();
    if (rate > 0) await run.atRate(rate, concurrency, durationMs);
    else await run.together(concurrency, durationMs);
    stopReporting();
    const about = { target: serverText(args.operands[0]!), concurrency, connections, rate };
    const { report } = run;
    if (args.has('json')) await terminal.print(JSON.stringify(report.data(plan.name, about)));
    else for (const line of report.lines(plan.name, about, client.isExtended)) await terminal.print(line);
    if (hasMore) terminal.note(MORE_CAME);
    if (terminal.stoppedBy === 'SIGTERM' || terminal.stoppedBy === 'ERROR') return exitCodes[terminal.stoppedBy];
    return report.failed > 0 || report.answered === 0 ? 1 : 0;
  } finally {
    client.destroy();
  }
}

class BenchRun {
  readonly report = new BenchReport();
  readonly #client: CommandClient;
  readonly #plan: CallPlan;
  readonly #timeoutMs: number;
  readonly #terminal: Terminal;
  #underWay = 0;

  constructor(client: CommandClient, plan: CallPlan, timeoutMs: number, terminal: Terminal) {
    this.#client = client;
    this.#plan = plan;
    this.#timeoutMs = timeoutMs;
    this.#terminal = terminal;
  }

  /** One call by itself, which is not counted: is the first Result the only one? @throws what it fails with */
  async first(): Promise<boolean> {
    let failure: unknown;
    await new Promise<void>((resolve) => {
      this.#call(performance.now(), new BenchReport(), (error) => {
        failure = error;
        resolve();
      });
    });
    if (failure !== undefined && !this.#terminal.signal.aborted) throw failure;
    return cameMore(this.#client);
  }

  /** Each of so many callers sends its next call when it has its answer. */
  async together(concurrency: number, durationMs: number): Promise<void> {
    const { report } = this;
    const until = report.start() + durationMs;
    const isOver = (): boolean => performance.now() >= until || this.#terminal.signal.aborted;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (!isOver()) {
          const failure = await new Promise<unknown>((resolve) => {
            this.#call(performance.now(), report, resolve);
          });
          if (failure !== undefined && !isOver()) await this.#terminal.pause(PAUSE_MS);
        }
      }),
    );
    report.end();
  }

  /** Calls are due at fixed times; those that are due while too many are under way wait, which counts. */
  async atRate(rate: number, concurrency: number, durationMs: number): Promise<void> {
    const { report } = this;
    const startedAt = report.start();
    const all = Math.floor((durationMs / 1_000) * rate);
    const sent = { calls: 0 };
    let isIdle: (() => void) | undefined;
    const { signal } = this.#terminal;
    const sendDue = (): void => {
      const due = Math.min(all, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1);
      while (sent.calls < due && this.#underWay < concurrency && !signal.aborted) {
        this.#call(startedAt + (sent.calls++ / rate) * 1_000, report, () => {
          // Not from within this loop: a call may fail at once.
          setImmediate(sendDue);
          isIdle?.();
        });
      }
    };
    while (sent.calls < all && !signal.aborted && performance.now() < startedAt + durationMs + this.#timeoutMs) {
      sendDue();
      await this.#terminal.pause(1);
    }
    while (this.#underWay > 0 && !signal.aborted) await new Promise<void>((resolve) => (isIdle = resolve));
    report.end();
  }

  /** `dueAt`: when it should have been sent. `over` is given what it has failed with. */
  #call(dueAt: number, report: BenchReport, over: (failure: unknown) => void): void {
    const { command, count, metadata } = this.#plan;
    this.#underWay++;
    let results = 0;
    const end = (failure?: unknown): void => {
      this.#underWay--;
      const isAborted = failure !== undefined && this.#terminal.signal.aborted;
      if (!isAborted) report.add(performance.now() - dueAt, results, failure);
      over(failure);
    };
    const call = this.#client.dispatch(
      command as never,
      {
        next: () => {
          if (++results !== count) return;
          call.cancel();
          end();
        },
        complete: () => end(),
        error: (error: unknown) => end(error ?? new Error('the call has failed')),
      },
      { timeoutMs: this.#timeoutMs, signal: this.#terminal.signal, ...(metadata && { metadata }) },
    );
  }

  /** Returns what ends that. */
  reportEachSecond(): () => void {
    const timer = setInterval(() => this.#terminal.progress(this.report.progress()), 1_000);
    return () => clearInterval(timer);
  }
}

interface About {
  readonly target: string;
  readonly concurrency: number;
  readonly connections: number;
  readonly rate: number;
}

const percentiles: readonly (readonly [name: string, percentile: number])[] = [
  ['p50', 50],
  ['p90', 90],
  ['p99', 99],
  ['p99.9', 99.9],
];

/** What has been measured so far. */
export class BenchReport {
  answered = 0;
  failed = 0;
  #results = 0;
  #seconds = 0;
  #startedAt = performance.now();
  #endedAt: number | undefined;
  #before = 0;
  readonly #latency: RecordableHistogram = createHistogram({ lowest: 1, highest: MOST_NS, figures: 3 });
  readonly #failures = new Map<string, { count: number; first: string }>();

  /** Since when it counts. */
  start(): number {
    this.#startedAt = performance.now();
    return this.#startedAt;
  }

  end(): void {
    this.#endedAt = performance.now();
  }

  add(ms: number, results: number, failure: unknown): void {
    this.#results += results;
    if (failure === undefined) {
      this.answered++;
      this.#latency.record(Math.min(MOST_NS, Math.max(1, Math.round(ms * NS_PER_MS))));
      return;
    }
    this.failed++;
    const code = codeOf(failure) ?? messageOf(failure);
    const known = this.#failures.get(code);
    if (known) known.count++;
    else this.#failures.set(code, { count: 1, first: failureText(failure) });
  }

  progress(): string {
    const calls = this.answered - this.#before;
    this.#before = this.answered;
    const [p50, p99] = [50, 99].map((percentile) => msText(this.#ms(percentile)));
    const failed = this.failed > 0 ? `, ${grouped(this.failed)} failed` : '';
    return `${++this.#seconds} s: ${grouped(calls)} calls/s, p50 ${p50} ms, p99 ${p99} ms${failed}`;
  }

  #ms(percentile: number): number {
    return this.answered === 0 ? 0 : this.#latency.percentile(percentile) / NS_PER_MS;
  }

  get #elapsedS(): number {
    return ((this.#endedAt ?? performance.now()) - this.#startedAt) / 1_000;
  }

  lines(name: string, { target, concurrency, connections, rate }: About, isExtended: boolean): readonly string[] {
    const seconds = this.#elapsedS;
    const connected = connections === 1 ? 'one connection' : `${connections} connections`;
    const pace =
      rate > 0 ? `${grouped(rate)} calls/s due, at most ${concurrency} at a time` : `${concurrency} at a time`;
    const lines = [
      `bench of ${name} at ${target} (${isExtended ? 'extended' : 'plain'} peer)`,
      `${pace} over ${connected}, ${seconds.toFixed(1)} s`,
      '',
      `calls        ${grouped(this.answered)} answered, ${grouped(this.failed)} failed`,
      `throughput   ${grouped(this.answered / seconds)} calls/s, ${grouped(this.#results / seconds)} Results/s`,
    ];
    if (this.answered > 0) {
      const { min, mean, max } = this.#latency;
      const times = [
        ['min', min / NS_PER_MS],
        ['mean', mean / NS_PER_MS],
        ...percentiles.map(([of, p]) => [of, this.#ms(p)]),
      ];
      times.push(['max', max / NS_PER_MS]);
      lines.push(
        ...times.map(
          ([of, ms], at) =>
            `${at === 0 ? 'latency' : ''}`.padEnd(13) + `${of}`.padEnd(7) + `${msText(ms as number).padStart(9)} ms`,
        ),
      );
    }
    for (const { count, first } of this.#failures.values()) lines.push(`failed       ${grouped(count)} times ${first}`);
    return lines;
  }

  data(name: string, about: About): unknown {
    const seconds = this.#elapsedS;
    const { min, mean, max } = this.#latency;
    const hasAny = this.answered > 0;
    return {
      command: name,
      target: about.target,
      concurrency: about.concurrency,
      connections: about.connections,
      ...(about.rate > 0 && { rate: about.rate }),
      seconds: rounded(seconds),
      answered: this.answered,
      failed: this.failed,
      results: this.#results,
      callsPerSecond: rounded(this.answered / seconds),
      resultsPerSecond: rounded(this.#results / seconds),
      latencyMs: hasAny
        ? {
            min: rounded(min / NS_PER_MS),
            mean: rounded(mean / NS_PER_MS),
            ...Object.fromEntries(percentiles.map(([of, p]) => [of, rounded(this.#ms(p))])),
            max: rounded(max / NS_PER_MS),
          }
        : null,
      failures: Object.fromEntries(Array.from(this.#failures, ([code, { count }]) => [code, count])),
    };
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

/** A whole number with commas between thousands, in whatever language the machine is set to. */
function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
