// Metrics of what clients and servers are now, which are asked for when they are collected, and counts of what becomes
// of their connections.
import type { Attributes, BatchObservableResult, Counter, Meter, Observable } from '@opentelemetry/api';
import type { CmdStreamError } from '../errors.js';
import type { ConnectionChange, ObservedClient, ObservedServer, Traffic } from '../instrumentation/instrumentation.js';
import { serverAttributes } from './telemetry-names.js';

const CONNECTION = '{connection}';
const COMMAND = '{command}';

/** Those of one kind that are open, and the bytes of all that ever were: a counter never falls. */
export class Open<T extends { readonly traffic: Traffic }> implements Iterable<T> {
  readonly #all = new Set<T>();
  /** Of those that are not open any more, without what those that are had before. */
  #sent = 0;
  #received = 0;

  add(one: T): void {
    if (this.#all.has(one)) return;
    this.#all.add(one);
    this.#count(one.traffic, -1);
  }

  delete(one: T): void {
    if (this.#all.delete(one)) this.#count(one.traffic, 1);
  }

  #count({ sent, received }: Traffic, sign: 1 | -1): void {
    this.#sent += sign * sent;
    this.#received += sign * received;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#all.values();
  }

  get traffic(): Traffic {
    let sent = this.#sent;
    let received = this.#received;
    for (const { traffic } of this.#all) {
      sent += traffic.sent;
      received += traffic.received;
    }
    return { sent, received };
  }
}

/** Of all clients that are open. */
export class ClientMetrics {
  readonly #clients: Open<ObservedClient>;
  readonly #open;
  readonly #pending;
  readonly #queued;
  readonly #roundTrip;
  readonly #circuit;
  readonly #io;
  readonly #opened: Counter;
  readonly #reconnects: Counter;
  readonly #failures: Counter;

  constructor(meter: Meter, clients: Open<ObservedClient>) {
    this.#clients = clients;
    const name = (last: string): string => `cmd-stream.client.${last}`;
    this.#open = meter.createObservableUpDownCounter(name('connection.open'), {
      unit: CONNECTION,
      description: 'Connections that are open.',
    });
    this.#pending = meter.createObservableUpDownCounter(name('command.pending'), {
      unit: COMMAND,
      description: 'Commands that wait for an answer on a connection.',
    });
    this.#queued = meter.createObservableUpDownCounter(name('command.queued'), {
      unit: COMMAND,
      description: 'Commands that wait for a connection, or to be sent again.',
    });
    this.#roundTrip = meter.createObservableGauge(name('connection.round_trip_time'), {
      unit: 's',
      description: 'Longest round-trip time of the last keepalive pings.',
    });
    this.#circuit = meter.createObservableGauge(name('circuit.open'), {
      unit: '1',
      description: '1 while the circuit breaker of the server keeps calls away, all or all but trials; else 0.',
    });
    this.#io = ioCounter(meter, name('network.io'));
    const count = (last: string, unit: string, description: string): Counter =>
      meter.createCounter(name(last), { unit, description });
    this.#opened = count('connection.opened', CONNECTION, 'Connections that were opened.');
    this.#reconnects = count('connection.reconnects', CONNECTION, 'Those of them that took the place of a lost one.');
    this.#failures = count('connection.failures', CONNECTION, 'Connections that have ended or could not be opened.');
    const observed = [this.#open, this.#pending, this.#queued, this.#roundTrip, this.#circuit, this.#io];
    meter.addBatchObservableCallback((result) => this.#observe(result), observed);
  }

  /** Observations with the same attributes replace each other: all clients are added up first. */
  #observe(result: BatchObservableResult): void {
    const sums = new Sums(result);
    for (const { servers, queued } of this.#clients) {
      for (const { server, open, pending, roundTripMs, circuit } of servers) {
        const attributes = serverAttributes(server);
        sums.add(this.#open, server, open, attributes);
        sums.add(this.#pending, server, pending, attributes);
        if (roundTripMs !== undefined) sums.atLeast(this.#roundTrip, server, roundTripMs / 1000, attributes);
        if (circuit !== undefined) sums.atLeast(this.#circuit, server, circuit === 'closed' ? 0 : 1, attributes);
      }
      sums.add(this.#queued, '', queued, {});
    }
    sums.observe();
    observeTraffic(result, this.#io, this.#clients.traffic);
  }

  connectionChanged({ server, status, cause }: ConnectionChange, isReconnect: boolean): void {
    const attributes = serverAttributes(server);
    if (status === 'connected') {
      this.#opened.add(1, attributes);
      if (isReconnect) this.#reconnects.add(1, attributes);
    } else if (cause !== undefined) this.#failures.add(1, { ...attributes, 'error.type': cause.code });
  }
}

/** Of all servers that listen. */
export class ServerMetrics {
  readonly #servers: Open<ObservedServer>;
  readonly #open;
  readonly #inFlight;
  readonly #buffer;
  readonly #io;
  readonly #opened: Counter;
  readonly #ended: Counter;
  readonly #refused: Counter;

  constructor(meter: Meter, servers: Open<ObservedServer>) {
    this.#servers = servers;
    const name = (last: string): string => `cmd-stream.server.${last}`;
    this.#open = meter.createObservableUpDownCounter(name('connection.open'), {
      unit: CONNECTION,
      description: 'Connections that are open, or whose Commands still run.',
    });
    this.#inFlight = meter.createObservableUpDownCounter(name('command.in_flight'), {
      unit: COMMAND,
      description: 'Commands that run.',
    });
    this.#buffer = meter.createObservableUpDownCounter(name('buffer.size'), {
      unit: 'By',
      description: 'Memory that is held for peers.',
    });
    this.#io = ioCounter(meter, name('network.io'));
    const count = (last: string, description: string): Counter =>
      meter.createCounter(name(last), { unit: CONNECTION, description });
    this.#opened = count('connection.opened', 'Connections that were taken.');
    this.#ended = count('connection.ended', 'Connections that have ended.');
    this.#refused = count('connection.refused', 'Clients that did not get as far as a connection.');
    const observed = [this.#open, this.#inFlight, this.#buffer, this.#io];
    meter.addBatchObservableCallback((result) => this.#observe(result), observed);
  }

  #observe(result: BatchObservableResult): void {
    const sums = new Sums(result);
    for (const { connections, inFlight, bufferedBytes, address } of this.#servers) {
      const port = address?.port;
      const attributes: Attributes = port ? { 'server.port': port } : {};
      const key = String(port);
      sums.add(this.#open, key, connections, attributes);
      sums.add(this.#inFlight, key, inFlight, attributes);
      sums.add(this.#buffer, key, bufferedBytes, attributes);
    }
    sums.observe();
    observeTraffic(result, this.#io, this.#servers.traffic);
  }

  opened(): void {
    this.#opened.add(1);
  }

  ended({ code }: CmdStreamError): void {
    this.#ended.add(1, { 'error.type': code });
  }

  refused({ code }: CmdStreamError): void {
    this.#refused.add(1, { 'error.type': code });
  }
}

function ioCounter(meter: Meter, name: string) {
  return meter.createObservableCounter(name, { unit: 'By', description: 'Bytes that went over connections.' });
}

function observeTraffic(result: BatchObservableResult, io: Observable, { sent, received }: Traffic): void {
  result.observe(io, sent, { 'network.io.direction': 'transmit' });
  result.observe(io, received, { 'network.io.direction': 'receive' });
}

interface Sum {
  readonly observable: Observable;
  value: number;
  readonly attributes: Attributes;
}

/** Values of one collection, by instrument and key. */
class Sums {
  readonly #result: BatchObservableResult;
  readonly #sums = new Map<Observable, Map<string, Sum>>();

  constructor(result: BatchObservableResult) {
    this.#result = result;
  }

  add(observable: Observable, key: string, value: number, attributes: Attributes): void {
    this.#sumOf(observable, key, attributes).value += value;
  }

  atLeast(observable: Observable, key: string, value: number, attributes: Attributes): void {
    const sum = this.#sumOf(observable, key, attributes);
    sum.value = Math.max(sum.value, value);
  }

  #sumOf(observable: Observable, key: string, attributes: Attributes): Sum {
    let byKey = this.#sums.get(observable);
    if (byKey === undefined) this.#sums.set(observable, (byKey = new Map<string, Sum>()));
    let sum = byKey.get(key);
    if (sum === undefined) byKey.set(key, (sum = { observable, value: 0, attributes }));
    return sum;
  }

  observe(): void {
    for (const byKey of this.#sums.values())
      for (const { observable, value, attributes } of byKey.values())
        this.#result.observe(observable, value, attributes);
  }
}
