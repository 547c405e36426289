// What Node's sockets can do: the same frames with the same JSON between two bare processes, and nothing else. No Nest,
// no classes, no limits, no errors, no time-outs; what is written in one turn goes out in one piece.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { checkText, texts } from '../workload.js';
import { type Contestant, inTurn } from './contestant.js';
import { host, portOf } from './nest-app.js';
import type { Payload } from './patterns.js';

/** Type numbers, as the contract of this package's contestants has them. */
const ECHO = 0;
const COUNT = 2;
const ITEM = 2;
const PIECE_BYTES = 64 * 1024;

interface Item {
  readonly n: number;
  readonly last: boolean;
}

/** Writes frames into one piece of memory, which goes out at once. */
class FrameWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #length = 0;
  readonly #spare: Buffer[] = [];

  constructor(readonly socket: Socket) {}

  get length(): number {
    return this.#length;
  }

  frame(seq: number, type: number, body: string): void {
    const bytes = Buffer.byteLength(body);
    if (this.#length + bytes + 30 > this.#buffer.length) this.#grow(bytes + 30);
    this.#varint(seq);
    this.#varint(type);
    this.#varint(bytes);
    this.#length += this.#buffer.write(body, this.#length, 'utf8');
  }

  /** Whether the socket takes more. */
  flush(): boolean {
    if (this.#length === 0) return true;
    const buffer = this.#buffer;
    const piece = buffer.subarray(0, this.#length);
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#length = 0;
    return this.socket.write(piece, () => this.#spare.push(buffer));
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * (this.#buffer.length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

type OnFrame = (seq: number, type: number, body: string) => void;

/** Calls back for each whole frame of a socket, and when there is no whole one left. */
function readFrames(socket: Socket, onFrame: OnFrame, onEnd: () => void): void {
  let rest: Buffer | undefined;
  let missing = 0;
  let at = 0;
  const varint = (bytes: Buffer): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  let waiting: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    // The pieces of a large frame are put together once, when the last one is there.
    if (rest !== undefined) {
      waiting.push(chunk);
      missing -= chunk.length;
      if (missing > 0) return;
    }
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, ...waiting]);
    rest = undefined;
    waiting = [];
    at = 0;
    while (at < bytes.length) {
      const begin = at;
      const seq = varint(bytes);
      const type = varint(bytes);
      const end = varint(bytes) + at;
      if (!(end <= bytes.length)) {
        rest = bytes.subarray(begin);
        missing = Number.isNaN(end) ? 1 : end - bytes.length;
        break;
      }
      onFrame(seq, type, bytes.toString('utf8', at, end));
      at = end;
    }
    onEnd();
  });
}

async function serve() {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const writer = new FrameWriter(socket);
    const onFrame: OnFrame = (seq, type, body) => {
      if (type === COUNT) return void count(writer, seq, (JSON.parse(body) as { results: number }).results);
      const { text } = JSON.parse(body) as Payload;
      writer.frame(seq, ECHO, JSON.stringify({ text }));
    };
    readFrames(socket, onFrame, () => writer.flush());
  });
  server.listen(0, host);
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: portOf(server.address()), close };
}

/** A stream, as fast as the client takes it. */
async function count(writer: FrameWriter, seq: number, results: number): Promise<void> {
  for (let n = 0; n < results; n++) {
    writer.frame(seq, ITEM, JSON.stringify({ n, last: n === results - 1 }));
    if (writer.length > PIECE_BYTES / 2 && !writer.flush()) await once(writer.socket, 'drain');
  }
  writer.flush();
}

/** One connection: a promise for each call, found by its seq. */
class Connection {
  readonly #writer: FrameWriter;
  readonly #pending = new Map<number, (answer: never) => void>();
  readonly #streams = new Map<number, (item: Item) => void>();
  #seq = 0;
  #isFlushing = false;

  constructor(readonly socket: Socket) {
    this.#writer = new FrameWriter(socket);
    readFrames(
      socket,
      (seq, type, body) => this.#receive(seq, type, body),
      () => {},
    );
  }

  echo(text: string): Promise<Payload> {
    return this.#call(ECHO, { text });
  }

  count(results: number, onItem: (item: Item) => void): Promise<Item> {
    const last = this.#call<Item>(COUNT, { results });
    this.#streams.set(this.#seq, onItem);
    return last;
  }

  #call<T>(type: number, body: object): Promise<T> {
    return new Promise<T>((resolve) => {
      this.#pending.set(++this.#seq, resolve);
      this.#writer.frame(this.#seq, type, JSON.stringify(body));
      if (this.#isFlushing) return;
      this.#isFlushing = true;
      // Behind all that the answers of this turn have set going.
      process.nextTick(() => {
        this.#isFlushing = false;
        this.#writer.flush();
      });
    });
  }

  #receive(seq: number, type: number, body: string): void {
    const answer = JSON.parse(body) as Payload | Item;
    if (type === ITEM) {
      this.#streams.get(seq)!(answer as Item);
      if (!(answer as Item).last) return;
      this.#streams.delete(seq);
    }
    const resolve = this.#pending.get(seq)!;
    this.#pending.delete(seq);
    resolve(answer as never);
  }
}

async function connections(port: number, howMany: number): Promise<readonly Connection[]> {
  const made: Connection[] = [];
  for (let at = 0; at < howMany; at++) {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    made.push(new Connection(socket));
  }
  return made;
}

const closing = (open: readonly Connection[]) => async (): Promise<void> => {
  for (const { socket } of open) socket.destroy();
};

export const ceiling: Contestant = {
  serve,
  async connect(port, { payload, connections: howMany }) {
    const open = await connections(port, howMany);
    const next = inTurn(open);
    const text = inTurn(texts(Number(payload)));
    const call = async (): Promise<void> => {
      const sent = text();
      checkText(sent, await next().echo(sent));
    };
    return { call, close: closing(open) };
  },
};

export const ceilingStream: Contestant = {
  serve,
  async connect(port, { results }) {
    const open = await connections(port, 1);
    const call = async (): Promise<void> => {
      let taken = 0;
      await open[0]!.count(results, ({ n }) => {
        if (n !== taken++) throw new Error(`expected item ${taken - 1}, got ${n}`);
      });
      if (taken !== results) throw new Error(`expected ${results} items, got ${taken}`);
    };
    return { call, units: results, close: closing(open) };
  },
};
