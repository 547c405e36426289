// The program `cmd-stream` as a shell runs it: against servers of this process, and the clients of it against the
// program.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CmdStreamError,
  CommandClient,
  defineContract,
  Result,
  StreamCommand,
  type CommandInvoker,
} from '../../lib/core.js';
import { calcInvoker } from '../support/calc-invoker.js';
import { GREETING } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { CertificateAuthority } from '../support/certificates.js';
import { CliFolder, type CliOutcome, type CliProcess } from '../support/cli-process.js';
import { until } from '../support/deadline.js';
import { freePort } from '../support/free-port.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { AddCmd, CalcResult, CountCmd, EchoCmd, FloatCmd, SubCmd, vectorContract } from '../support/vector-contract.js';

const own = guardLeaks();
const cli = new CliFolder();
afterAll(() => cli.destroy());
const contract = ['--contract', cli.file('test/support/vector-contract.js')];

/** As the calculator, but for FloatCmd, which says why it fails, and SubCmd, which has no end. */
const invoker: CommandInvoker = {
  invoke(command, context, sink) {
    if (command instanceof FloatCmd) throw CmdStreamError.remote({ statusCode: 404, message: 'no such number' });
    if (command instanceof SubCmd)
      return new Promise((resolve) => context.signal.addEventListener('abort', () => resolve()));
    return calcInvoker.invoke(command, context, sink);
  },
};

async function serve(options: Parameters<typeof CalcServer.start>[0] = {}): Promise<{ calc: CalcServer; at: string }> {
  const calc = own(await CalcServer.start({ invoker, ...options }));
  return { calc, at: `127.0.0.1:${calc.port}` };
}

function start(...args: readonly string[]): CliProcess {
  return own(cli.start(...args));
}

/** A failure: nothing on stdout, one line on stderr that says why; behind one of usage, another that leads to help. */
function failing(code: number, why: RegExp): CliOutcome {
  const help = code === 2 ? 'Try: cmd-stream \\w+ --help\\n' : '';
  const lines = new RegExp(`(?<![^])(?=[^]*(?:${why.source}))[^\\n]+\\n${help}(?![^])`, 'm');
  return { code, stdout: '', stderr: expect.stringMatching(lines) as unknown as string };
}

describe('cmd-stream send', () => {
  it.each([
    ['an extended server', []],
    ['a plain one', ['--plain']],
  ])('prints the Result of %s, and reads no stdin for that', async (_, flags) => {
    const { at } = await serve();
    const outcome = await cli.run(['send', at, '0', '{"A":2,"B":3}', ...flags]);
    expect(outcome).toEqual({ code: 0, stdout: '5\n', stderr: '' });
  });

  it.each([
    ['by the name of its class', ['CountCmd', '{"N":3}', ...contract]],
    ['by its number and what marks the last', ['2', '{"N":3}', '--last', 'Last']],
    ['by its number and how many there are', ['2', '{"N":3}', '--results', '3']],
    ['by its number and its time', ['2', '{"N":3}', '--results', 'all', '-t', '2s']],
    ['by the name of its class, at a plain server', ['CountCmd', '{"N":3}', ...contract, '--plain']],
  ])('prints each Result of a stream %s', async (_, args) => {
    const { at } = await serve();
    const { code, stdout, stderr } = await cli.run(['send', at, ...args]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { I: 0, Last: false },
      { I: 1, Last: false },
      { I: 2, Last: true },
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('says that more came where it could not know', async () => {
    const { at } = await serve();
    const { code, stdout, stderr } = await cli.run(['send', at, '2', '{"N":3}']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"I":0,"Last":false}\n' });
    expect(stderr).toMatch(/^cmd-stream: more Results came behind the first: .*--results.*--last.*--contract\n$/);
  });

  it('takes its payload from stdin, and prints with types', async () => {
    const { at } = await serve();
    const { stdout } = await cli.run(['send', at, 'EchoCmd', '-', '--types', ...contract], '"héllo\\n"\n');
    expect(stdout).toBe('{"type":2,"name":"EchoResult","body":"héllo\\n"}\n');
  });

  it('notes a field that the class does not have', async () => {
    const { at } = await serve();
    const { code, stdout, stderr } = await cli.run(['send', at, 'AddCmd', '{"A":1,"b":1}', ...contract]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\n' });
    expect(stderr).toBe('cmd-stream: a new AddCmd has no field "b" (it has A, B); sent all the same\n');
  });

  it('is content with having written an event', async () => {
    const { at } = await serve();
    expect(await cli.run(['send', at, '1', '{"A":2,"B":3}', '--event'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    [['0', '{'], 2, /^cmd-stream send: the payload is no JSON: /],
    [['AddCmd'], 2, /<type> is a type number unless --contract is given, not "AddCmd"/],
    [['AdCmd', ...contract], 2, /no Command "AdCmd"; did you mean AddCmd\? It has AddCmd \(0\), /],
    [['0', '{}', '{}'], 2, /"\{\}" is one too many/],
    [['0', '--timeot', '1s'], 2, /there is no option --timeot: did you mean --timeout\?\nTry: cmd-stream send --help/],
    [['0', '--results', '2', '--last', 'x'], 2, /--results and --last are two ways: give one/],
    [['0', '-m', 'a'], 2, /--metadata is key=value, not "a"/],
    [['0', '--ca', 'no-such-file'], 2, /--ca no-such-file cannot be read: ENOENT/],
    [['99'], 1, /^cmd-stream send: UNKNOWN_TYPE: .* 99 is not in the contract.*\(type number 99 at 127\.0\.0\.1:\d+\)/],
    [['4'], 1, /^cmd-stream send: INTERNAL: Internal server error \(type number 4 at /],
    [['5', '{"X":1}'], 1, /REMOTE: no such number \(.*\) \{"statusCode":404,"message":"no such number"\}\n$/],
    [['1', '-t', '300ms'], 1, /TIMEOUT: .* no answer within .*; give it more time by --timeout/],
    [['0', '--plain', '-m', 'a=b'], 1, /EXTENSION_UNAVAILABLE: .*metadata/],
    [['0', '--tls'], 1, /TLS_ERROR: .*the peer speaks no TLS: is --tls given on both sides\?/],
    [['0', '--server-info', 'other'], 1, /SERVER_INFO_MISMATCH: .*--server-info/],
  ])('with %j ends with %d and one line that says why', async (args, code, text) => {
    const { at } = await serve();
    expect(await cli.run(['send', at, ...args])).toEqual(failing(code, text));
  });

  it('says where no server is', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    expect(await cli.run(['send', at, '0'])).toEqual(
      failing(1, /CONNECT_FAILED: .*ECONNREFUSED.*; does a server listen there\?/),
    );
  });

  it('speaks TLS, with a certificate of its own', async () => {
    const authority = new CertificateAuthority('the CA of a test');
    const names = ['DNS:calc.example', 'IP:127.0.0.1'];
    const { key, cert } = authority.issue({ name: 'server', alternativeNames: names });
    const mine = authority.issue({ name: 'client' });
    for (const [name, text] of [
      ['ca.crt', authority.cert],
      ['me.crt', mine.cert],
      ['me.key', mine.key],
    ] as const)
      writeFileSync(cli.file(name), text);
    const { at } = await serve({ tls: { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: true } });
    const [ca, ...pair] = [
      ['--ca', cli.file('ca.crt')],
      '--cert',
      cli.file('me.crt'),
      '--key',
      cli.file('me.key'),
    ] as const;
    const add = ['send', at, '0', '{"A":2,"B":3}'];
    expect(await cli.run([...add, ...ca, ...pair])).toEqual({ code: 0, stdout: '5\n', stderr: '' });
    expect(await cli.run([...add, '--insecure', ...pair])).toMatchObject({ code: 0, stdout: '5\n' });
    expect(await cli.run([...add, '--tls', ...pair])).toEqual(failing(1, /TLS_ERROR: .*not trusted here.*--ca/));
    expect(await cli.run([...add, ...ca, '--servername', 'other.example', ...pair])).toEqual(
      failing(1, /TLS_ERROR: .*for another name/),
    );
    expect(await cli.run([...add, ...ca, '--cert', cli.file('me.crt')])).toEqual(
      failing(2, /--cert and --key belong together/),
    );
  });

  it('ends quietly, and the Command with it, when what it prints has no reader any more', async () => {
    let reason: unknown;
    const endless: CommandInvoker = {
      async invoke(_command, { signal }, sink) {
        signal.addEventListener('abort', () => (reason = signal.reason));
        for (let at = 0; sink.isOpen; at++) {
          await sink.drained;
          sink.next({ at });
        }
      },
    };
    class TickCmd extends StreamCommand {}
    const { at } = await serve({ contract: defineContract({ commands: [TickCmd] }), invoker: endless });
    const program = start('send', at, '0', '-t', '0');
    await program.said(/"at":1\b/);
    program.child.stdout!.destroy();
    expect(await program.ended()).toMatchObject({ code: 0, stderr: '' });
    await until('the Command is cancelled', () => reason !== undefined);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('cancels the Command with %s, and ends with %d', async (signal, code) => {
    const { calc, at } = await serve();
    const program = start('send', at, '1', '-t', '0');
    await until('the Command runs', () => calc.server.inFlight > 0);
    program.child.kill(signal);
    expect(await program.ended()).toEqual({ code, stdout: '', stderr: '' });
    await until('the Command is cancelled', () => calc.server.inFlight === 0);
  });
});

describe('the file of a contract', () => {
  const imports =
    "import { Command, Result, defineContract } from './lib/core.js';\nclass A extends Command {}\nclass R extends Result {}\n";
  const one = 'defineContract({ commands: [A], results: [R] })';
  const load = async (name: string, text: string, ...args: readonly string[]): Promise<CliOutcome> => {
    writeFileSync(cli.file(name), text);
    const { at } = await serve();
    return cli.run(['send', at, 'None', '--contract', cli.file(name), ...args]);
  };

  it.each([
    ['default.mjs', `${imports}export default ${one};`, []],
    ['busy.js', `${imports}export default ${one};\nsetInterval(() => {}, 1_000);`, []],
    ['only.js', `${imports}export const contract = ${one};\nexport const other = 1;`, []],
    ['both.js', `${imports}export const calc = ${one};\nexport default calc;`, []],
    ['named.js', `${imports}export const a = ${one};\nexport const b = ${one};`, ['--export', 'b']],
    [
      'common.cjs',
      `const { Command, Result, defineContract } = require('./lib/core.js');\nclass A extends Command {}\nclass R extends Result {}\nexports.calc = ${one};`,
      [],
    ],
    [
      'whole.cjs',
      `const { Command, Result, defineContract } = require('./lib/core.js');\nclass A extends Command {}\nclass R extends Result {}\nmodule.exports = ${one};`,
      [],
    ],
  ])('may be %s', async (name, text, args) => {
    const { code, stderr } = await load(name, text, ...args);
    expect(stderr).toContain('the contract has no Command "None". It has A (0)\nTry:');
    expect(code).toBe(2);
  });

  it.each([
    [
      'several.js',
      `${imports}export const a = ${one};\nexport const b = ${one};`,
      'exports several: a, b; say which by --export',
    ],
    ['none.js', 'export const x = 1;', 'exports no contract (it has x); export what defineContract() returned'],
    ['broken.js', "throw new Error('not today');", 'cannot be loaded: not today'],
    ['missing.js', "import 'no-such-package';", 'packages are looked for beside that file'],
    ['typed.ts', 'export class A { constructor(readonly a = 0) {} }', 'build it and give the .js file'],
  ])('is refused as %s', async (name, text, message) => {
    const outcome = await load(name, text);
    expect(outcome).toEqual(failing(2, /^cmd-stream send: --contract /));
    expect(outcome.stderr).toContain(message);
  });

  it('must be there', async () => {
    const { at } = await serve();
    const outcome = await cli.run(['send', at, 'A', '--contract', 'no-such-file.js']);
    expect(outcome).toEqual(failing(2, /--contract no-such-file\.js: there is no such file/));
  });
});

describe('cmd-stream ping', () => {
  it.each([
    ['extended', []],
    ['plain', ['--plain']],
  ])('prints round trips to an %s peer, and statistics', async (kind, flags) => {
    const { at } = await serve();
    const { code, stdout, stderr } = await cli.run(['ping', at, '-c', '3', '-i', '1ms', ...flags]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      `PING ${at}`,
      expect.stringMatching(new RegExp(`^pong from ${at}: seq=1 time=[\\d.]+ ms \\(${kind} peer\\)$`)),
      expect.stringMatching(/seq=2 time=[\d.]+ ms$/),
      expect.stringMatching(/seq=3 time=[\d.]+ ms$/),
      `--- ${at} ping statistics ---`,
      expect.stringMatching(/^3 pings sent, 3 pongs received, 0% loss, time \d+ ms$/),
      expect.stringMatching(/^rtt min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms$/),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('says of a server that greets and answers no pings that it does not, and ends with 1', async () => {
    const server = own(await RawServer.listen());
    server.onPeer = (peer) => peer.write(GREETING);
    const args = ['ping', `127.0.0.1:${server.port}`, '-q', '-c', '1', '-t', '300ms'];
    const plain = await cli.run([...args, '--plain']);
    expect(plain).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 pings sent, 0 pongs received, 100% loss'),
    });
    expect(plain.stderr).toBe(
      'cmd-stream ping: the server is there, and has greeted, but answers no pings: it may be busy, or speak cmd-stream without them\n',
    );
    const asked = await cli.run(args);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(/CONNECT_TIMEOUT: .* has greeted and not answered .* try the option --plain\n$/);
  });

  it('goes on where no server is, and ends with 1', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const { code, stdout } = await cli.run(['ping', at, '-c', '2', '-i', '1ms']);
    expect(stdout).toMatch(
      /seq=1 CONNECT_FAILED: .*\n.*seq=2 CONNECT_FAILED: .*\n.*\n2 pings sent, 0 pongs received, 100% loss/,
    );
    expect(code).toBe(1);
  });

  it('ends at once where another ping would come to the same', async () => {
    const { at } = await serve();
    const { code, stdout } = await cli.run(['ping', at, '--server-info', 'other', '-i', '1h']);
    expect(stdout).toMatch(/SERVER_INFO_MISMATCH: .*\n.*\n1 pings sent/);
    expect(code).toBe(1);
  });

  it('prints its statistics with SIGINT', async () => {
    const { at } = await serve();
    const program = start('ping', at, '-i', '1h');
    await program.said(/seq=1 time/);
    program.child.kill('SIGINT');
    const { code, stdout } = await program.ended();
    expect(stdout).toMatch(/\n1 pings sent, 1 pongs received, 0% loss/);
    expect(code).toBe(0);
  });
});

describe('cmd-stream listen', () => {
  async function listen(...args: readonly string[]): Promise<{ program: CliProcess; port: number }> {
    const program = start('listen', '127.0.0.1:0', ...args);
    const [, port] = await program.said(/listening on 127\.0\.0\.1:(\d+)\n/);
    return { program, port: Number(port) };
  }

  const clientOf = (port: number, extension = true): CommandClient<typeof vectorContract> =>
    own(new CommandClient({ host: '127.0.0.1', port, contract: vectorContract, extension }));

  it.each([true, false])('answers clients with any contract, with the extension: %p', async (extension) => {
    const { program, port } = await listen('-r', '1:{"I":0}', '-r', '1:{"I":1,"Last":true}');
    const client = clientOf(port, extension);
    const received = [];
    for await (const result of client.iterate(new CountCmd(2))) received.push(result.I);
    expect(received).toEqual([0, 1]);
    await client.close();
    program.child.kill('SIGTERM');
    const { code, stdout, stderr } = await program.ended();
    expect(JSON.parse(stdout)).toMatchObject({ type: 2, seq: 1, body: { N: 2 } });
    expect(stderr).toMatch(/has connected\n.*is gone: PEER_CLOSED.*\ncmd-stream: 1 received on 1 connections\n$/);
    expect(code).toBe(0);
  });

  describe('to a client of this package', () => {
    class Tick extends Result {
      n = 0;
    }
    class Watch extends StreamCommand<Tick> {}
    const watchContract = defineContract({ commands: [Watch], results: [Tick] });
    const watchFile = cli.file('watch.contract.js');
    const two = ['-r', '0:{"n":1}', '-r', '0:{"n":2}'];

    beforeAll(() =>
      writeFileSync(
        watchFile,
        "import { StreamCommand, Result, defineContract } from './lib/core.js';\n" +
          'class Tick extends Result { n = 0; }\nclass Watch extends StreamCommand {}\n' +
          'export default defineContract({ commands: [Watch], results: [Tick] });\n',
      ),
    );

    const watch = async (port: number): Promise<{ received: number[]; failure: unknown; unexpected: number }> => {
      const client = own(new CommandClient({ host: '127.0.0.1', port, contract: watchContract }));
      const received: number[] = [];
      let failure: unknown;
      try {
        for await (const { n } of client.iterate(new Watch())) received.push(n);
      } catch (error) {
        failure = error;
      }
      await client.ping();
      return { received, failure, unexpected: client.unexpectedResults };
    };

    it.each([
      ['without a contract', []],
      ['with one', ['--contract', watchFile]],
      ['with a pause before each', ['--delay', '1ms']],
    ])('gives all Results of a stream, though each looks like the last, %s', async (_, args) => {
      const { port } = await listen(...two, ...args);
      expect(await watch(port)).toEqual({ received: [1, 2], failure: undefined, unexpected: 0 });
      const send = ['send', `127.0.0.1:${port}`, 'Watch', '--contract', watchFile];
      expect(await cli.run(send)).toEqual({ code: 0, stdout: '{"n":1}\n{"n":2}\n', stderr: '' });
    });

    it('fails behind the Results, though each looks like the last', async () => {
      const { port } = await listen('-r', '0:{"n":1}', '--error', '{"statusCode":409}');
      expect(await watch(port)).toMatchObject({
        received: [1],
        failure: { code: 'REMOTE', payload: { statusCode: 409 } },
        unexpected: 0,
      });
      const send = ['send', `127.0.0.1:${port}`, 'Watch', '--contract', watchFile];
      const { code, stdout, stderr } = await cli.run(send);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '{"n":1}\n' });
      expect(stderr).toMatch(/^cmd-stream send: REMOTE: .*409.*\n$/);
    });

    it('says where a stream ends of which nothing else says it', async () => {
      const { port } = await listen(...two);
      const send = ['send', `127.0.0.1:${port}`, '0', '--results', 'all', '-t', '0'];
      expect(await cli.run(send)).toEqual({ code: 0, stdout: '{"n":1}\n{"n":2}\n', stderr: '' });
    });

    it('says where a stream of one Result ends that is not the last by its class', async () => {
      const { port } = await listen('-r', 'CountResult:{"I":0,"Last":false}', ...contract);
      const send = ['send', `127.0.0.1:${port}`, 'CountCmd', ...contract, '-t', '0'];
      expect(await cli.run(send)).toEqual({ code: 0, stdout: '{"I":0,"Last":false}\n', stderr: '' });
    });
  });

  it('prints names and answers by them with a contract, and ends by itself', async () => {
    const { program, port } = await listen('-q', '-c', '1', '-r', 'CalcResult:7', ...contract);
    expect(await clientOf(port).execute(new AddCmd(1, 2), { metadata: { from: 'a test' } })).toEqual(new CalcResult(7));
    const { code, stdout, stderr } = await program.ended();
    expect(JSON.parse(stdout)).toMatchObject({ command: 'AddCmd', metadata: { from: 'a test' }, body: { A: 1, B: 2 } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^cmd-stream: listening on .*\n$/) });
  });

  it('prints numbers to the digit, events and patterns', async () => {
    const { program, port } = await listen('-c', '3', '-r', '{"sum":6}');
    const at = `127.0.0.1:${port}`;
    expect(await cli.run(['send', at, '77', '{"n":12345678901234567890}'])).toMatchObject({ stdout: '{"sum":6}\n' });
    expect(await cli.run(['send', at, '--pattern', '{"b":1,"a":"x"}', '[1,2,3]'])).toMatchObject({
      stdout: '{"sum":6}\n',
    });
    expect(await cli.run(['send', at, '--pattern', 'made', '--event', '-'], '{"id":7}')).toMatchObject({
      code: 0,
      stdout: '',
    });
    const lines = (await program.ended()).stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('"body":{"n":12345678901234567890}}');
    expect(JSON.parse(lines[1]!)).toMatchObject({ pattern: '{"a":"x","b":1}', data: [1, 2, 3] });
    expect(JSON.parse(lines[2]!)).toMatchObject({ event: 'made', data: { id: 7 } });
  });

  it.each([
    ['a failure', ['--error', '{"a":1}'], true, 'REMOTE'],
    ['a failure behind Results', ['-r', '2:"x"', '--error', '{"a":1}'], true, 'MULTIPLE_RESULTS'],
    ['a failure, of a plain peer', ['--error', '{"a":1}'], false, 'CONNECTION_LOST'],
    ['nothing', [], true, 'NO_RESULT'],
    ['nothing, of a plain peer', [], false, 'CONNECTION_LOST'],
  ])('ends behind as many as --count says, answered with %s', async (_, args, extension, code) => {
    const { program, port } = await listen('-c', '1', ...args);
    await expect(clientOf(port, extension).execute(new EchoCmd('x'))).rejects.toMatchObject({ code });
    expect((await program.ended()).code).toBe(0);
  });

  it('fails as it is asked to', async () => {
    const { port } = await listen('--error', '{"statusCode":409}');
    await expect(clientOf(port).execute(new EchoCmd('x'))).rejects.toMatchObject({
      code: 'REMOTE',
      payload: { statusCode: 409 },
    });
    await expect(clientOf(port, false).execute(new EchoCmd('x'))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('ends a Command without a Result only where its peer knows such an end', async () => {
    const { program, port } = await listen();
    await expect(clientOf(port).execute(new EchoCmd('x'))).rejects.toMatchObject({ code: 'NO_RESULT' });
    const plain = clientOf(port, false);
    const call = plain.execute(new EchoCmd('x'));
    await program.said(/"type":3.*\n[^]*"type":3/);
    expect(await plain.ping()).toBeGreaterThan(0);
    plain.destroy();
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it.each([
    [['-r', '0:{'], /--result 0:\{ is no JSON/],
    [['-r', 'CalcResult:7'], /its type must be a type number, unless --contract is given/],
    [['-r', 'CalcReslt:7', ...contract], /its type must be one of the contract: CalcResult \(0\), /],
    [['--ca', 'x'], /--ca x cannot be read/],
    [['--count', '0'], /--count is a whole number from 1 /],
  ])('with %j ends with 2', async (args, text) => {
    expect(await cli.run(['listen', '127.0.0.1:0', ...args])).toEqual(failing(2, text));
  });

  it('ends with 1 where it cannot listen', async () => {
    const { at } = await serve();
    expect(await cli.run(['listen', at])).toEqual(failing(1, /^cmd-stream listen: LISTEN_FAILED: .*EADDRINUSE/));
  });
});

describe('cmd-stream bench', () => {
  const add = ['0', '{"A":2,"B":3}'];

  it('reports what it has measured, and its progress on stderr', async () => {
    const { at } = await serve();
    const { code, stdout, stderr } = await cli.run([
      'bench',
      at,
      ...add,
      '-d',
      '1500ms',
      '-c',
      '8',
      '--connections',
      '2',
    ]);
    expect(stdout).toMatch(
      /^bench of type number 0 at .* \(extended peer\)\n8 at a time over 2 connections, [\d.]+ s\n\ncalls +[\d,]+ answered, 0 failed\nthroughput +[\d,]+ calls\/s, [\d,]+ Results\/s\nlatency +min +[\d.]+ ms\n( +(mean|p50|p90|p99|p99\.9|max) +[\d.]+ ms\n){6}$/,
    );
    expect(stderr).toMatch(/^1 s: [\d,]+ calls\/s, p50 [\d.]+ ms, p99 [\d.]+ ms\n/);
    expect(stderr + stdout).not.toContain('\u001b');
    expect(code).toBe(0);
  });

  it('sends calls at a rate, and streams, and reports them as JSON', async () => {
    const { at } = await serve();
    const args = ['CountCmd', '{"N":3}', ...contract, '--rate', '200', '-d', '500ms', '-q', '--json'];
    const { code, stdout, stderr } = await cli.run(['bench', at, ...args]);
    const report = JSON.parse(stdout) as { latencyMs: Record<string, number> };
    expect(report).toMatchObject({
      command: 'CountCmd',
      rate: 200,
      answered: 100,
      failed: 0,
      results: 300,
      failures: {},
    });
    const { min = 0, p50 = 0, p99 = 0, max = 0 } = report.latencyMs;
    expect([min, p50, p99, max].toSorted((one, other) => one - other)).toEqual([min, p50, p99, max]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('ends with 1 when calls have failed, and says of which kinds', async () => {
    const { at } = await serve();
    const { code, stdout } = await cli.run(['bench', at, 'FloatCmd', ...contract, '-d', '100ms', '-c', '2', '-q']);
    expect(stdout).toMatch(/\ncalls +0 answered, [\d,]+ failed\n[^]*\nfailed +[\d,]+ times REMOTE: no such number/);
    expect(code).toBe(1);
  });

  it('prints its report with SIGINT', async () => {
    const { calc, at } = await serve();
    const program = start('bench', at, ...add, '-d', '1h', '-q', '--json');
    await until('calls are made', () => calc.server.traffic.received > 10_000);
    program.child.kill('SIGINT');
    const { code, stdout } = await program.ended();
    expect(JSON.parse(stdout)).toMatchObject({ failed: 0 });
    expect(code).toBe(0);
  });

  it('says at once where no server is', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    expect(await cli.run(['bench', at, ...add, '-q'])).toEqual(failing(1, /^cmd-stream bench: CONNECT_FAILED: /));
  });
});

describe('cmd-stream', () => {
  it.each([
    [[], 2, /^cmd-stream: a command is missing: the commands are ping, send, listen, bench; /],
    [['pong'], 2, /^cmd-stream: there is no command "pong", did you mean ping\?/],
    [['help', 'pong'], 2, /did you mean ping\?/],
    [['transmit'], 2, /^cmd-stream: there is no command "transmit"; the commands are ping, /],
  ])('with %j ends with %d', async (args, code, text) => {
    const { stderr, stdout, code: ended } = await cli.run(args);
    expect(stderr).toMatch(text);
    expect({ ended, stdout }).toEqual({ ended: code, stdout: '' });
  });

  it('has a version, and a help that all spellings print', async () => {
    expect(await cli.run(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
    const [help, ...others] = await Promise.all(
      [
        ['send', '--help'],
        ['send', '-h'],
        ['help', 'send'],
        ['--help', 'send'],
      ].map((args) => cli.run(args)),
    );
    expect(help!.stdout).toMatch(/^Usage: cmd-stream send \[options\] <address> <type> \[json\]\n/);
    expect(others).toEqual([help, help, help]);
  });
});
