// `cmd-stream ping`: round trips of the pings of the protocol, with statistics as ping(8) has them.
import { CommandClient } from '../client/command-client.js';
import { isCmdStreamError } from '../errors.js';
import { UsageError, type Arguments, type Usage } from './arguments.js';
import { addressNote, connectionFlags, connectionOptions, helpFlags, serverText } from './calls.js';
import { failureText } from './failures.js';
import type { Terminal } from './terminal.js';
import { textCodec, textContract } from './text-codec.js';

export const pingUsage: Usage = {
  name: 'ping',
  operands: '<address>',
  fewest: 1,
  most: 1,
  summary: 'round-trip times to a server, as ping(8) shows them',
  about: [
    'Sends pings of the protocol over one connection and prints how long each pong took, and at the end, or with ' +
      'Ctrl-C, the statistics. One more, which opens the connection, is not counted. A connection that is lost is ' +
      'opened anew by the next ping. Servers of nestjs-cmd-stream and of cmd-stream-go answer pings; of one that greets and does not answer them, that is said.',
    addressNote,
  ],
  flags: {
    count: { short: 'c', value: '<number>', text: 'pings to send (default: until Ctrl-C)' },
    interval: { short: 'i', value: '<time>', text: 'from one ping to the next, 1ms or more (default: 1s)' },
    timeout: { short: 't', value: '<time>', text: 'time for each pong, opening the connection included (default: 5s)' },
    quiet: { short: 'q', text: 'print the statistics only' },
    ...connectionFlags,
    ...helpFlags,
  },
  examples: [
    ['cmd-stream ping -c 5 localhost:9000', 'five pings, a second apart'],
    ['cmd-stream ping -q -c 1000 -i 10ms 10.0.0.7:9000', 'a thousand, ten milliseconds apart; the statistics alone'],
    ['cmd-stream ping -c 1 -t 500ms --ca ca.crt calc.example.com:9000', 'is it there, by TLS? The exit code says it'],
  ],
  exit: 'Exit code: 0 when a pong came, 1 when none came, 2 when it was called wrongly.',
};

export async function runPing(args: Arguments, terminal: Terminal): Promise<number> {
  const count = args.number('count', Infinity, 1, Number.MAX_SAFE_INTEGER);
  const intervalMs = args.timeMs('interval', 1_000, 1);
  const timeoutMs = args.timeMs('timeout', 5_000, 1);
  const [address = ''] = args.operands;
  const client = pingingClient(args, address, timeoutMs);
  const statistics = new PingStatistics(serverText(address));
  const isQuiet = args.has('quiet');
  if (!isQuiet) await terminal.print(`PING ${statistics.server}`);
  const destroyed = (): void => client.destroy();
  terminal.signal.addEventListener('abort', destroyed, { once: true });
  let failure: unknown;
  // Opens the connection, and is not counted if it is answered: both sides have run none of this code before.
  const first = await ping(client, timeoutMs);
  for (let seq = 1; seq <= count && !terminal.signal.aborted; seq++) {
    const startedAt = performance.now();
    const answer = seq === 1 && 'error' in first ? first : await ping(client, timeoutMs);
    if (terminal.signal.aborted && 'error' in answer) break;
    statistics.add('error' in answer ? undefined : answer.ms);
    failure = 'error' in answer ? answer.error : undefined;
    if (!isQuiet) await terminal.print(lineOf(statistics.server, seq, answer, client.isExtended));
    if (failure !== undefined && isPermanent(failure)) break;
    if (seq < count) await terminal.pause(Math.max(0, intervalMs - (performance.now() - startedAt)));
  }
  const isThere = client.status === 'connected';
  terminal.signal.removeEventListener('abort', destroyed);
  await client.close();
  for (const line of statistics.lines()) await terminal.print(line);
  if (statistics.received > 0) return 0;
  if (isThere) terminal.note(`cmd-stream ping: ${NO_PONGS}`);
  else if (isQuiet && failure !== undefined) terminal.note(`cmd-stream ping: ${failureText(failure)}`);
  return 1;
}

const NO_PONGS =
  'the server is there, and has greeted, but answers no pings: it may be busy, or speak cmd-stream without them';

type Answer = { readonly ms: number } | { readonly error: unknown };

async function ping(client: CommandClient, timeoutMs: number): Promise<Answer> {
  try {
    return { ms: await client.ping({ timeoutMs }) };
  } catch (error) {
    return { error };
  }
}

function pingingClient(args: Arguments, address: string, connectTimeoutMs: number): CommandClient {
  const contract = textContract('client');
  const options = { ...connectionOptions(args, address), keepalive: false, connectTimeoutMs };
  try {
    return new CommandClient({ ...options, contract, codec: textCodec(contract, () => true) });
  } catch (error) {
    throw isCmdStreamError(error) && error.kind === 'setup' ? new UsageError(error.message) : error;
  }
}

function lineOf(server: string, seq: number, answer: Answer, isExtended: boolean): string {
  if ('error' in answer) return `no pong from ${server}: seq=${seq} ${failureText(answer.error)}`;
  const peer = seq > 1 ? '' : isExtended ? ' (extended peer)' : ' (plain peer)';
  return `pong from ${server}: seq=${seq} time=${msText(answer.ms)} ms${peer}`;
}

/** What another ping would come to as well. */
function isPermanent(error: unknown): boolean {
  return isCmdStreamError(error) && (error.kind === 'setup' || error.kind === 'value' || error.code === 'TLS_ERROR');
}

/** As ping(8) counts. */
export class PingStatistics {
  sent = 0;
  received = 0;
  readonly #startedAt = performance.now();
  #least = Number.POSITIVE_INFINITY;
  #most = 0;
  #sum = 0;
  #squares = 0;

  constructor(readonly server: string) {}

  /** `ms` is undefined of one that was not answered. */
  add(ms: number | undefined): void {
    this.sent++;
    if (ms === undefined) return;
    this.received++;
    this.#least = Math.min(this.#least, ms);
    this.#most = Math.max(this.#most, ms);
    this.#sum += ms;
    this.#squares += ms * ms;
  }

  lines(): readonly string[] {
    const { sent, received } = this;
    const loss = sent === 0 ? 0 : ((sent - received) / sent) * 100;
    const time = Math.round(performance.now() - this.#startedAt);
    const lines = [
      `--- ${this.server} ping statistics ---`,
      `${sent} pings sent, ${received} pongs received, ${Number(loss.toFixed(1))}% loss, time ${time} ms`,
    ];
    if (received === 0) return lines;
    const mean = this.#sum / received;
    const deviation = Math.sqrt(Math.max(0, this.#squares / received - mean * mean));
    const times = [this.#least, mean, this.#most, deviation].map(msText).join('/');
    return [...lines, `rtt min/avg/max/mdev = ${times} ms`];
  }
}

export function msText(ms: number): string {
  return ms >= 100 ? ms.toFixed(1) : ms.toFixed(3);
}
