// The threats that this package has to stand, S1 to S28 to a server and C1 to C19 to a client, and what holds each: the
// tests of this folder whose names begin with its number, and tests elsewhere.

export interface Threat {
  readonly id: string;
  readonly what: string;
  /** Tests elsewhere: the file, and a part of the name that begins or ends it. */
  readonly elsewhere?: readonly (readonly [file: string, name: string])[];
  /** Why no test holds it. */
  readonly without?: string;
}

const server = 'test/integration/server';
const client = 'test/integration/client';
const unit = 'test/unit';

export const threats: readonly Threat[] = [
  {
    id: 'S1',
    what: 'a huge length is announced',
    elsewhere: [[`${unit}/wire/byte-reader.test.ts`, 'before anything is allocated']],
  },
  {
    id: 'S2',
    what: 'large lengths are announced, then silence',
    elsewhere: [
      [`${server}/bad-input.test.ts`, 'is not allocated by the lengths that 200 waiting connections announce'],
    ],
  },
  {
    id: 'S3',
    what: 'varints too long, too large, padded',
    elsewhere: [[`${unit}/wire/byte-reader.test.ts`, 'equals exact arithmetic for any bytes']],
  },
  { id: 'S4', what: 'an unknown type number' },
  { id: 'S5', what: 'a body that is no JSON of its type' },
  { id: 'S6', what: 'deep JSON' },
  {
    id: 'S7',
    what: 'JSON with many keys or values',
    elsewhere: [[`${unit}/codec/json-limits.test.ts`, 'counts large objects together, as their cost adds up']],
  },
  { id: 'S8', what: 'half a frame, then silence' },
  { id: 'S9', what: 'a frame that dribbles in' },
  { id: 'S10', what: 'silent connections' },
  {
    id: 'S11',
    what: 'a peer that never reads its Results',
    elsewhere: [[`${server}/connection-end.test.ts`, 'reads no more Commands while its peer does not read']],
  },
  {
    id: 'S12',
    what: 'a stream that is never read',
    elsewhere: [['test/e2e/back-pressure.test.ts', 'a generator faster than its reader']],
  },
  { id: 'S13', what: 'a flood of pings' },
  {
    id: 'S14',
    what: 'a flood of Commands, cancelled or not',
    elsewhere: [[`${unit}/connection/reading-turns.test.ts`, 'has the next share behind all others that wait']],
  },
  { id: 'S15', what: 'connections that come and go' },
  { id: 'S16', what: 'a client that dies in the middle of a stream' },
  { id: 'S17', what: 'a handler that fails' },
  { id: 'S18', what: 'a handler that goes on behind the end' },
  { id: 'S19', what: 'numbers of Commands that repeat, fall, or are huge' },
  {
    id: 'S20',
    what: 'keys that would reach a prototype',
    elsewhere: [[`${unit}/codec/json-keys.test.ts`, 'stay as they']],
  },
  {
    id: 'S21',
    what: 'text that would forge or flood a log',
    elsewhere: [
      ['test/e2e/peer-log.test.ts', 'cannot forge a line of the log'],
      [`${unit}/nest/peer-log.test.ts`, 'is one of ten in a second'],
    ],
  },
  {
    id: 'S22',
    what: 'TLS: no certificate, a wrong one, no TLS, silence',
    elsewhere: [
      ['test/integration/certificates.test.ts', 'a server that asks for certificates refuses'],
      ['test/integration/certificates.test.ts', 'clients that are silent in the handshake'],
      ['test/integration/tls.test.ts', 'ends a client that speaks no TLS with TLS_ERROR'],
    ],
  },
  { id: 'S23', what: 'what unpacks to more than it is' },
  {
    id: 'S24',
    what: 'no descriptors are left',
    elsewhere: [
      [`${server}/load.test.ts`, 'goes on serving the connections it has'],
      [`${unit}/server/connection-limit.test.ts`, 'the most connections'],
    ],
  },
  {
    id: 'S25',
    what: 'memory of all connections together',
    elsewhere: [
      [`${server}/byte-budget.test.ts`, 'the connection that holds the most, when nothing is left'],
      [`${server}/byte-budget.test.ts`, 'counts nothing any more when all have gone'],
    ],
  },
  {
    id: 'S26',
    what: 'a shutdown with clients attached',
    elsewhere: [['test/integration/extension/drain.test.ts', 'loses nothing and executes nothing twice under load']],
  },
  {
    id: 'S27',
    what: 'an end with much waiting to be written',
    elsewhere: [
      ['test/integration/batching.test.ts', 'answers the Commands of one segment in one write'],
      [`${server}/connection-end.test.ts`, 'ends with SEND_BUFFER_FULL when a handler sends on'],
    ],
  },
  { id: 'S28', what: 'an unasked pong' },
  { id: 'C1', what: 'a huge length is announced' },
  { id: 'C2', what: 'a greeting that is none' },
  {
    id: 'C3',
    what: 'a server that is down, or hangs up',
    elsewhere: [
      [`${unit}/client/backoff.test.ts`, 'are at most 22 in each of 10,000 outages'],
      [`${client}/reconnect.test.ts`, 'is no storm when the server accepts and hangs up'],
    ],
  },
  {
    id: 'C4',
    what: 'a server that hangs',
    elsewhere: [[`${client}/keepalive.test.ts`, 'is found out and replaced']],
  },
  { id: 'C5', what: 'a ping that leaves a time limit behind' },
  {
    id: 'C6',
    what: 'a cut with Commands under way',
    elsewhere: [[`${client}/loss.test.ts`, 'fails what was sent, and the next call has a new one']],
  },
  {
    id: 'C7',
    what: 'calls without a connection',
    elsewhere: [
      [`${client}/waiting.test.ts`, 'waits for queue.timeoutMs, then fails'],
      [`${client}/limits.test.ts`, 'fails further Commands with QUEUE_FULL while there is no connection'],
    ],
  },
  { id: 'C8', what: 'Results of a connection that is gone' },
  { id: 'C9', what: 'Results that no call waits for', elsewhere: [[`${client}/strict.test.ts`, 'a flood of Results']] },
  {
    id: 'C10',
    what: 'more Results than were asked for',
    elsewhere: [[`${client}/strict.test.ts`, 'a server that sends more Results than it has credit for']],
  },
  {
    id: 'C11',
    what: 'a stream faster than its taker',
    elsewhere: [
      [`${client}/results.test.ts`, 'hold up no other Command of the connection'],
      [`${client}/results.test.ts`, 'fails by the bytes that wait'],
    ],
  },
  {
    id: 'C12',
    what: 'a Result of another type',
    elsewhere: [[`${client}/strict.test.ts`, 'a Result that its Command does not have costs the call, and no other']],
  },
  { id: 'C13', what: 'calls that are given up' },
  {
    id: 'C14',
    what: 'numbers of Commands run out',
    elsewhere: [[`${unit}/client/call-multiplexer.test.ts`, 'are each used once and belong to their calls']],
  },
  {
    id: 'C15',
    what: 'close() at any time',
    elsewhere: [
      [`${client}/close.test.ts`, 'is one close however often it is called'],
      [`${client}/close.test.ts`, 'fails what is left with CLOSED when gracePeriodMs is over'],
    ],
  },
  {
    id: 'C16',
    what: 'TLS: a server with a wrong certificate',
    elsewhere: [['test/integration/certificates.test.ts', 'a client refuses a server with a certificate']],
  },
  { id: 'C17', what: 'a callback of the application that throws' },
  {
    id: 'C18',
    what: 'thousands of clients that come back',
    elsewhere: [[`${unit}/client/backoff.test.ts`, 'come back spread in the first 5 seconds']],
  },
  {
    id: 'C19',
    what: 'a name with several addresses, or with another one',
    elsewhere: [[`${client}/new-servers.test.ts`, 'a name that gains an address']],
  },
];
