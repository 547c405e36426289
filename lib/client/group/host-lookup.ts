// The addresses of one host name: asked for by connections that have none yet, and while one is open again and again,
// so that servers that were added are found. A resolver that fails, finds nothing or does not answer takes no address
// away.
//
//   at rest --(a connection is open)--> watching: every resolveIntervalMs, and soon after a loss --(none is)--> at rest
import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, SocketAddress, type LookupFunction } from 'node:net';
import type { AsyncScope } from '../../async-scope.js';
import { findAddresses } from '../../connection/dial.js';
import type { Ticker } from '../../connection/ticker.js';

/** What a lookup has changed. */
export interface FoundAddresses {
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Why it has found nothing: what was found before stays. */
  readonly error: Error | undefined;
}

export interface HostLookupConfig {
  readonly scope: AsyncScope;
  readonly ticker: Ticker;
  readonly resolveIntervalMs: number;
  /** May be code of the user. */
  readonly resolver: LookupFunction;
}

/** One of the addresses of a host. */
export interface Endpoint extends LookupAddress {
  /** The same for all ways to write it. */
  readonly key: string;
}

/** So many addresses of one host are used. */
export const MOST_ADDRESSES = 256;
/** From one lookup to the next one, however many connections are lost. */
const LEAST_MS = 1000;
/** So long an answer is waited for where addresses are known. */
const PATIENCE_MS = 1000;
/** After so long without an answer none is expected any more. */
const ASK_ANEW_MS = 5000;
/** Lookups are earlier by up to one part in ten, so that those of many clients do not come together. */
const SPREAD = 0.1;

type Answer = (error: Error | null) => void;

export class HostLookup {
  /** What was found last; empty before that. To read only, for others. */
  found: readonly Endpoint[] = [];
  readonly #host: string;
  readonly #config: HostLookupConfig;
  readonly #onAnswer: (found: FoundAddresses) => void;
  /** As Node asks when it connects. */
  #options: LookupOptions = { all: true };
  /** Numbers of the last lookup that began, and of the last one that was answered. */
  #asked = 0;
  #answered = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #waiting = new Set<Answer>();
  #isWatching = false;
  /** When the next lookup is due. */
  #nextAt = Infinity;
  #stopWaiting: () => void = () => {};

  /** `onAnswer` is called with each answer, good or not, before those who wait for it. */
  constructor(host: string, config: HostLookupConfig, onAnswer: (found: FoundAddresses) => void) {
    this.#host = host;
    this.#config = config;
    this.#onAnswer = onAnswer;
  }

  /**
   * For an attempt that may go to any address, and is over when `signal` aborts. Where the resolver fails, or is slow,
   * it goes to those that are known.
   */
  lookupFor(signal: AbortSignal): LookupFunction {
    return (_host, options, callback) => {
      this.#options = options;
      const forget = (): void => {
        stopWaiting();
        this.#waiting.delete(answer);
        signal.removeEventListener('abort', forget);
      };
      const answer: Answer = (error) => {
        forget();
        callback(this.found.length > 0 ? null : error, [...this.found]);
      };
      const isKnown = this.found.length > 0;
      const stopWaiting = isKnown ? this.#config.ticker.after(PATIENCE_MS, () => answer(null), true) : () => {};
      signal.addEventListener('abort', forget);
      this.#waiting.add(answer);
      this.#ask();
    };
  }

  /** The one of its addresses that a socket has reached; undefined of what is no socket of Node. */
  endpointAt(remoteAddress: string | undefined): Endpoint | undefined {
    const family = isIP(remoteAddress ?? '');
    if (family === 0) return undefined;
    const key = keyOf({ address: remoteAddress!, family });
    return this.found.find((one) => one.key === key) ?? { address: remoteAddress!, family, key };
  }

  /** A connection is open. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#askAfter(this.#intervalMs - (performance.now() - this.#askedAt));
  }

  /** A connection was lost, or could not be opened, or its server drains: the name may lead elsewhere by now. */
  refresh(): void {
    if (this.#isWatching) this.#askAfter(LEAST_MS - (performance.now() - this.#askedAt));
  }

  /** No connection is open: those that are opened ask by themselves. */
  rest(): void {
    this.#isWatching = false;
    this.#nextAt = Infinity;
    this.#stopWaiting();
  }

  get #intervalMs(): number {
    return this.#config.resolveIntervalMs * (1 - SPREAD * Math.random());
  }

  /** Unless that is due earlier. It keeps no process alive. */
  #askAfter(delayMs: number): void {
    const at = performance.now() + Math.max(1, delayMs);
    if (at >= this.#nextAt) return;
    this.#nextAt = at;
    this.#stopWaiting();
    this.#stopWaiting = this.#config.ticker.after(Math.max(1, delayMs), () => this.#askAgain(), true);
  }

  #askAgain(): void {
    this.#nextAt = Infinity;
    this.#ask();
    this.#askAfter(this.#intervalMs);
  }

  /** Several that ask at a time ask once; a resolver that has kept silent for long is asked anew. */
  #ask(): void {
    const now = performance.now();
    if (this.#answered < this.#asked && now - this.#askedAt < ASK_ANEW_MS) return;
    this.#askedAt = now;
    const number = ++this.#asked;
    const { scope, resolver } = this.#config;
    scope.runApart(() =>
      findAddresses(resolver, this.#host, this.#options, (error, found) => {
        // What was asked for earlier and comes later is old.
        if (number > this.#answered) this.#onAnswered(number, error, found);
      }),
    );
  }

  #onAnswered(number: number, error: Error | null, found: readonly LookupAddress[]): void {
    this.#answered = number;
    const before = this.found;
    if (found.length > 0) this.found = atMost(MOST_ADDRESSES, endpointsOf(found), before);
    this.#onAnswer({
      added: without(this.found, before),
      gone: without(before, this.found),
      error: error ?? undefined,
    });
    for (const answer of this.#waiting) answer(error);
  }
}

function keyOf({ address, family }: LookupAddress): string {
  return family === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}

function endpointsOf(found: readonly LookupAddress[]): readonly Endpoint[] {
  const endpoints = found.map((one) => ({ ...one, key: keyOf(one) }));
  return [...new Map(endpoints.map((one) => [one.key, one])).values()];
}

function without(endpoints: readonly Endpoint[], others: readonly Endpoint[]): readonly string[] {
  const keys = new Set(others.map(({ key }) => key));
  return endpoints.flatMap(({ address, key }) => (keys.has(key) ? [] : address));
}

/** Those in use stay; of the others each client takes some by chance, as all of them are given the same order. */
function atMost(most: number, found: readonly Endpoint[], before: readonly Endpoint[]): readonly Endpoint[] {
  if (found.length <= most) return found;
  const used = new Set(before.map(({ key }) => key));
  const others = found.filter(({ key }) => !used.has(key));
  const from = Math.floor(Math.random() * others.length);
  return [...found.filter(({ key }) => used.has(key)), ...others.slice(from), ...others.slice(0, from)].slice(0, most);
}

/** For a connection that keeps to one address. */
export function lookupOf(endpoint: Endpoint): LookupFunction {
  return (_host, _options, callback) => callback(null, [endpoint]);
}

// Which addresses a host should have connections to. Those of the other family lead to the same servers, as a rule, and
// it may be that no way leads there: the family is that of the connections that are open.

export function ofOneFamily(found: readonly Endpoint[], family: number | undefined): readonly Endpoint[] {
  const alike = found.filter((one) => one.family === family);
  return alike.length > 0 ? alike : found.filter((one) => one.family === found[0]?.family);
}
