// The Nest side of the compatibility run, a program of its own in a project with its own Nest: a server of the contract
// of the Go peers, or a client that runs cases against a Go server. The Go side is test/interop/go/cmd.
//
//   node peer.js serve CODEC        prints its port, and ends with its stdin
//   node peer.js ask CODEC PORT     prints a line of JSON for each case, or for those that are named behind it
import { CmdStreamClient, type CmdStreamClientOptions, type CommandClient } from 'nestjs-cmd-stream';
import { lastValueFrom, toArray } from 'rxjs';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { startNestServer } from '../interop/interop-server.js';
import { startInvokerServer } from '../interop/invoker-server.js';
import * as inMus from '../interop/mus-calc.js';
import * as inProtobuf from '../interop/protobuf-calc.js';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import * as inJson from '../support/vector-contract.js';

/** The contract in one codec, as `dialect` of the Go module has it. */
interface Dialect {
  readonly options: CmdStreamClientOptions;
  serve(): Promise<{ readonly port: number; readonly app: { close(): Promise<unknown> } }>;
  add(a: number, b: number): object;
  sub(a: number, b: number): object;
  count(n: number): object;
  echo(text: string): object;
  slow(ms: number): object;
  fail(): object;
  sum(result: object): number;
  text(result: object): string | undefined;
}

const musOptions = { contract: inMus.calcContract, codec: inMus.calcCodec };

const dialects: Readonly<Record<string, Dialect>> = {
  json: {
    options: { contract: interopContract },
    serve: () => startNestServer({ quietPeriodMs: 10 }),
    add: (a, b) => new inJson.AddCmd(a, b),
    sub: (a, b) => new inJson.SubCmd(a, b),
    count: (n) => new inJson.CountCmd(n),
    echo: (text) => new inJson.EchoCmd(text),
    slow: (ms) => new SlowCmd(ms),
    fail: () => new inJson.FailCmd(),
    sum: (result) => Number((result as inJson.CalcResult).value),
    text: (result) => (result as inJson.EchoResult).text,
  },
  mus: {
    options: musOptions,
    serve: () => startInvokerServer({ receiver: inMus.Calc, commands: inMus.calcCommands, options: musOptions }),
    add: (a, b) => new inMus.AddCmd(BigInt(a), BigInt(b)),
    sub: (a, b) => new inMus.SubCmd(BigInt(a), BigInt(b)),
    count: (n) => new inMus.CountCmd(n),
    echo: (text) => new inMus.EchoCmd(text),
    slow: (ms) => new inMus.SlowCmd(ms),
    fail: () => new inMus.FailCmd(),
    sum: (result) => Number((result as inMus.CalcResult).value),
    text: (result) => (result as inMus.EchoResult).text,
  },
  protobuf: {
    options: { contract: inProtobuf.calcContract, codec: protobufCodec() },
    serve: () => inProtobuf.startProtobufServer(),
    add: (a, b) => inProtobuf.AddCmd.create({ A: BigInt(a), B: BigInt(b) }),
    sub: (a, b) => inProtobuf.SubCmd.create({ A: BigInt(a), B: BigInt(b) }),
    count: (n) => inProtobuf.CountCmd.create({ N: BigInt(n) }),
    echo: (text) => inProtobuf.EchoCmd.create({ protoData: { String: text } }),
    slow: (ms) => inProtobuf.SlowCmd.create({ Ms: BigInt(ms) }),
    fail: () => inProtobuf.FailCmd.create(),
    sum: (result) => Number((result as { readonly R: bigint }).R),
    text: (result) => (result as { readonly protoData?: { readonly String: string } }).protoData?.String,
  },
};

/** A client of the dialect, whose types are those of all three. */
class Asker {
  readonly dialect: Dialect;
  readonly client: CmdStreamClient;

  constructor(dialect: Dialect, port: number, options: CmdStreamClientOptions = {}) {
    this.dialect = dialect;
    this.client = new CmdStreamClient({ host: '127.0.0.1', port, logger: false, ...dialect.options, ...options });
  }

  ask(command: object): Promise<object> {
    return this.client.execute(command as inJson.AddCmd, { timeoutMs: 10_000 });
  }

  async sum(command: object): Promise<number> {
    return this.dialect.sum(await this.ask(command));
  }

  async expectSum(command: object, expected: number): Promise<void> {
    equal(await this.sum(command), expected);
  }
}

type Case = (asker: Asker, port: number) => Promise<void>;

const TEXTS = ['', 'héllo ÿ', '😀 👨‍👩‍👧', '\u2028\u2029\u0000', '<&>', '\ufeffx'];
const LARGE = 900 * 1024;
const CROWD = 1000;

/** Named as those of the Go driver that ask the same of a Nest server. */
const cases: Readonly<Record<string, Case>> = {
  async unary(asker) {
    await asker.expectSum(asker.dialect.add(2, 3), 5);
    await asker.expectSum(asker.dialect.sub(8, 4), 4);
  },
  async multi({ client, dialect }) {
    const command = dialect.count(3) as inJson.CountCmd;
    const results = await lastValueFrom(client.send(command).pipe(toArray()));
    const seen = results.map(({ I, Last }) => `${I}${Last ? ' last' : ''}`);
    equal(seen.join(), '0,1,2 last');
  },
  async interleaved(asker) {
    const order: string[] = [];
    const slow = asker.ask(asker.dialect.slow(300)).then(() => order.push('slow'));
    const quick = asker.ask(asker.dialect.add(1, 1)).then(() => order.push('quick'));
    await Promise.all([slow, quick]);
    equal(order.join(), 'quick,slow');
  },
  async large(asker) {
    const text = 'x'.repeat(LARGE);
    equal(asker.dialect.text(await asker.ask(asker.dialect.echo(text))) === text, true);
  },
  async 'non-ascii'(asker) {
    for (const text of TEXTS) equal(asker.dialect.text(await asker.ask(asker.dialect.echo(text))), text);
  },
  async concurrent(asker) {
    const numbers = Array.from({ length: CROWD }, (_, at) => at);
    await Promise.all(numbers.map((at) => asker.expectSum(asker.dialect.add(at, at), 2 * at)));
  },
  async fail(asker) {
    const failure: unknown = await asker.ask(asker.dialect.fail()).then(
      () => undefined,
      (error: unknown) => error,
    );
    equal((failure as { code?: unknown } | undefined)?.code, 'CONNECTION_LOST');
    await asker.expectSum(asker.dialect.add(2, 3), 5);
  },
  async ping(asker) {
    await asker.client.connect();
    for (let at = 0; at < 5; at++) equal((await asker.client.unwrap<CommandClient>().ping()) >= 0, true);
    await asker.expectSum(asker.dialect.add(2, 3), 5);
  },
  async 'info-mismatch'({ dialect }, port) {
    const stranger = new Asker(dialect, port, { serverInfo: 'another/1' });
    try {
      const failure: unknown = await stranger.client.connect().catch((error: unknown) => error);
      equal((failure as { code?: unknown } | undefined)?.code, 'SERVER_INFO_MISMATCH');
    } finally {
      await stranger.client.close();
    }
  },
};

function equal(seen: unknown, expected: unknown): void {
  if (seen !== expected) throw new Error(`${String(seen)} instead of ${String(expected)}`);
}

async function serve(dialect: Dialect): Promise<void> {
  const { port, app } = await dialect.serve();
  console.log(port);
  process.stdin.on('end', () => void app.close()).resume();
}

async function ask(dialect: Dialect, port: number, names: readonly string[]): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const asker = new Asker(dialect, port);
    const detail = await run(asker, port).then(
      () => '',
      (error: unknown) => String(error),
    );
    console.log(JSON.stringify({ case: name, ok: detail === '', detail }));
    await asker.client.close();
  }
}

const [, , role, codec = '', port, ...names] = process.argv;
const dialect = dialects[codec];
if (dialect === undefined) throw new Error(`no codec is named "${codec}"`);
void (role === 'serve' ? serve(dialect) : ask(dialect, Number(port), names));
