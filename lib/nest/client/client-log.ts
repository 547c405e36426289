// What a client logs of its servers and their circuits: nothing as long as all is well, one line when one is lost, one
// when it is back, and what that has cost. It watches as any instrumentation does.
import { notify } from '../../callbacks.js';
import { visibleText } from '../../errors.js';
import type {
  CircuitChange,
  ClientObserver,
  ConnectionChange,
  Instrumentation,
  Losses,
  ObservedClient,
} from '../../instrumentation/instrumentation.js';
import { clipped, counted, durationText } from '../log-text.js';
import type { PeerLog } from '../peer-log.js';
import { Outage, type OutageListener } from './outage.js';

/** The lines are the log's: it bounds how many there are, of however many servers. */
export function clientLog(log: PeerLog): Instrumentation {
  const listener: OutageListener = {
    warn: (text) => notify(() => log.line(() => log.logger.warn(visibleText(text)))),
    log: (text) => notify(() => log.line(() => log.logger.log(visibleText(text)))),
  };
  return { observeClient: (client) => new LoggedClient(client, listener) };
}

interface LoggedServer {
  readonly outage: Outage;
  isOpen: boolean;
  /** What was lost before the outage. */
  before: Losses;
}

class LoggedClient implements ClientObserver {
  readonly #client: ObservedClient;
  readonly #listener: OutageListener;
  readonly #servers = new Map<string, LoggedServer>();
  readonly #circuits = new Map<string, Outage>();
  #isOver = false;

  constructor(client: ObservedClient, listener: OutageListener) {
    this.#client = client;
    this.#listener = listener;
  }

  onConnection({ server: name, status, cause, open, retryInMs }: ConnectionChange): void {
    if (status !== 'connected' && status !== 'disconnected') return;
    const server = this.#serverOf(name);
    if (open > 0) {
      if (!server.isOpen) server.outage.up(this.#cost(server.before));
      server.isOpen = true;
      return;
    }
    const wasOpen = server.isOpen;
    server.isOpen = false;
    // It drains, or has no need of an idle connection: no news, unless it cannot be reached afterwards.
    if (cause === undefined || (cause.code === 'PEER_CLOSED' && retryInMs === undefined)) return;
    if (!server.outage.isDown) server.before = { ...this.#client.losses };
    const { before } = server;
    const next = `; next attempt ${retryInMs === undefined ? 'with the next call' : `in ${durationText(retryInMs)}`}`;
    // When its calls, too, have learnt of it.
    queueMicrotask(() => {
      if (this.#isOver) return;
      const cost = wasOpen ? this.#cost(before) : '';
      const reason = `: ${cause.code}: ${clipped(cause.message)}${cost}`;
      server.outage.down(reason, next, wasOpen ? 'is lost' : 'cannot be reached');
    });
  }

  #serverOf(name: string): LoggedServer {
    let server = this.#servers.get(name);
    if (server === undefined) {
      const words = {
        subject: name,
        down: 'is lost',
        downs: 'was lost',
        stillDown: 'cannot be reached',
        up: 'is back',
        well: 'back',
      };
      server = { outage: new Outage(words, this.#listener), isOpen: false, before: this.#client.losses };
      this.#servers.set(name, server);
    }
    return server;
  }

  #cost(before: Losses): string {
    const { losses } = this.#client;
    const lost = losses.lost - before.lost;
    const unsent = losses.unsent - before.unsent;
    const parts = [
      ...(lost > 0 ? [`${counted(lost, 'call')} lost`] : []),
      ...(unsent > 0 ? [`${counted(unsent, 'call')} not sent`] : []),
    ];
    return parts.length > 0 ? `; ${parts.join(', ')}` : '';
  }

  onCircuit({ server, circuit }: CircuitChange): void {
    let outage = this.#circuits.get(server);
    if (outage === undefined) {
      const subject = `the circuit of ${server}`;
      const words = {
        subject,
        down: 'has opened',
        downs: 'has opened',
        stillDown: 'is open',
        up: 'has closed',
        well: 'closed',
      };
      outage = new Outage(words, this.#listener);
      this.#circuits.set(server, outage);
    }
    if (circuit === 'open' && !outage.isDown) outage.down(': calls are kept away');
    else if (circuit === 'closed') outage.up();
  }

  onClose(): void {
    this.#isOver = true;
    for (const { outage } of this.#servers.values()) outage.end();
    for (const outage of this.#circuits.values()) outage.end();
  }
}
