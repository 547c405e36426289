// What a client logs of its servers and their circuits: nothing as long as all is well, one line when one is lost, one
// when it is back, and what that has cost. It watches as any instrumentation does.
import { notify } from '../../callbacks.js';
import { messageOf, visibleText, type CmdStreamError } from '../../errors.js';
import type {
  CircuitChange,
  ClientObserver,
  ConnectionChange,
  HostLookedUp,
  Instrumentation,
  Losses,
  ObservedClient,
} from '../../instrumentation/instrumentation.js';
import { clipped, counted, durationText } from '../log-text.js';
import type { PeerLog } from '../peer-log.js';
import { Outage, type OutageListener, type OutageWords } from './outage.js';

/** The lines are the log's: it bounds how many there are, of however many servers. */
export function clientLog(log: PeerLog): Instrumentation {
  const listener: OutageListener = {
    warn: (text) => notify(() => log.line(() => log.logger.warn(visibleText(text)))),
    log: (text) => notify(() => log.line(() => log.logger.log(visibleText(text)))),
  };
  return { observeClient: (client) => new LoggedClient(client, listener, log) };
}

/** So many addresses are named in one line. */
const MOST_NAMED = 4;

interface LoggedServer {
  readonly outage: Outage;
  /** Of the lookup of its host. */
  readonly lookup: Outage;
  /** Was any address of its host found before? */
  isFound: boolean;
  isOpen: boolean;
  /** What was lost before the outage. */
  before: Losses;
}

class LoggedClient implements ClientObserver {
  readonly #client: ObservedClient;
  readonly #listener: OutageListener;
  readonly #log: PeerLog;
  readonly #servers = new Map<string, LoggedServer>();
  readonly #circuits = new Map<string, Outage>();
  #isOver = false;

  constructor(client: ObservedClient, listener: OutageListener, log: PeerLog) {
    this.#client = client;
    this.#listener = listener;
    this.#log = log;
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
      const outage = new Outage(words, this.#listener);
      const lookup = new Outage(lookupWords(name), this.#listener);
      server = { outage, lookup, isFound: false, isOpen: false, before: this.#client.losses };
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

  onLookup({ server: name, added, gone, error }: HostLookedUp): void {
    const server = this.#serverOf(name);
    const wasFound = server.isFound;
    server.isFound ||= error === undefined;
    // Before that it is why a connection cannot be opened.
    if (!wasFound) return;
    if (error) return server.lookup.down(`: ${clipped(messageOf(error))}; the addresses known before stay in use`);
    server.lookup.up();
    const news = [
      ...(added.length > 0 ? [`has more addresses: ${named(added)}`] : []),
      ...(gone.length > 0 ? [`has lost addresses: ${named(gone)}`] : []),
    ];
    if (news.length > 0) this.#listener.log(`${name} ${news.join(', and ')}`);
  }

  onReloadError(error: CmdStreamError): void {
    this.#log.failure(error);
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
    for (const { outage, lookup } of this.#servers.values()) {
      outage.end();
      lookup.end();
    }
    for (const outage of this.#circuits.values()) outage.end();
  }
}

function lookupWords(name: string): OutageWords {
  return {
    subject: `the lookup of the host of ${name}`,
    down: 'has failed',
    downs: 'has failed',
    stillDown: 'fails',
    up: 'succeeds again',
    well: 'good',
  };
}

function named(addresses: readonly string[]): string {
  const others = addresses.length - MOST_NAMED;
  return `${addresses.slice(0, MOST_NAMED).join(', ')}${others > 0 ? ` and ${counted(others, 'other')}` : ''}`;
}
