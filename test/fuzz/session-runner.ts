// Runs so many fuzzed sessions of one side and reports what was found, with the shortest script that shows it.
import * as fc from 'fast-check';
import { clientScripts } from './client-script.js';
import { ClientSessions } from './client-sessions.js';
import { serverScripts } from './server-script.js';
import { ServerSessions } from './server-sessions.js';
import { Finding } from './target.js';

export interface SessionReport {
  readonly inputs: number;
  readonly seconds: number;
  readonly inputsPerSecond: number;
  readonly findings: readonly string[];
  /** How often connections, or calls, have ended how. */
  readonly ends: Readonly<Record<string, number>>;
  /** Most bytes that the server held for all its peers; none of a client. */
  readonly mostBufferedBytes: number | undefined;
}

export interface SessionOrder {
  readonly sessions: number;
  /** In monotonic milliseconds. */
  readonly until: number;
  readonly seed: number;
  progress(sessions: number, state: string): void;
}

interface Sessions<Script> {
  run(script: Script): Promise<readonly string[]>;
  destroy?(): void;
}

const BATCH = 500;

class SessionRunner<Script, S extends Sessions<Script>> {
  constructor(
    readonly name: string,
    readonly scripts: fc.Arbitrary<Script>,
    readonly open: () => Promise<S>,
    readonly endsOf: (sessions: S) => ReadonlyMap<string, number>,
    readonly mostBufferedBytesOf: (sessions: S) => number | undefined,
  ) {}

  async run({ sessions: most, until, seed, progress }: SessionOrder): Promise<SessionReport> {
    const began = performance.now();
    const sessions = await this.open();
    const findings: string[] = [];
    const onUncaught = (error: unknown): void => void findings.push(`not caught: ${String(error)}`);
    process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught);
    let inputs = 0;
    while (inputs < most && performance.now() < until && findings.length === 0) {
      const numRuns = Math.min(BATCH, most - inputs);
      // Each batch has a seed of its own, which says all that is needed to repeat it.
      const report = await this.#check(sessions, numRuns, seed + inputs);
      if (report !== undefined) findings.push(report);
      inputs += numRuns;
      progress(inputs, `${findings.length} findings`);
    }
    process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught);
    sessions.destroy?.();
    const seconds = (performance.now() - began) / 1000;
    return {
      inputs,
      seconds: Math.round(seconds),
      inputsPerSecond: Math.round(inputs / seconds),
      findings,
      ends: Object.fromEntries([...this.endsOf(sessions)].toSorted(([, a], [, b]) => b - a)),
      mostBufferedBytes: this.mostBufferedBytesOf(sessions),
    };
  }

  async #check(sessions: S, numRuns: number, seed: number): Promise<string | undefined> {
    let fresh: S | undefined;
    const property = fc.asyncProperty(this.scripts, async (script) => {
      const violations = await (fresh ?? sessions).run(script);
      if (violations.length === 0) return;
      // What is broken may stay so: the search for a shorter script begins anew each time.
      fresh?.destroy?.();
      fresh = await this.open();
      throw new Finding(violations.join('; '));
    });
    const details = await fc.check(property, { numRuns, seed, includeErrorInReport: true });
    fresh?.destroy?.();
    return details.failed ? `${this.name}: ${fc.defaultReportMessage(details)}` : undefined;
  }
}

export const sessionRunners = [
  new SessionRunner(
    'server-sessions',
    serverScripts,
    () => ServerSessions.open(),
    ({ reasons }) => reasons,
    ({ mostBufferedBytes }) => mostBufferedBytes,
  ),
  new SessionRunner(
    'client-sessions',
    clientScripts,
    async () => new ClientSessions(),
    ({ outcomes }) => outcomes,
    () => undefined,
  ),
] as const;
