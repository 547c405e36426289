// The program `cmd-stream` and peers written in Go: it asks their server, and answers their client.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { selfSigned } from '../support/certificates.js';
import { CliFolder } from '../support/cli-process.js';
import { describeUnless } from '../support/unless.js';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';

const BUILD_TIMEOUT_MS = 300_000;

describeUnless(reasonToSkipGo(), 'cmd-stream and a Go server', () => {
  const go = new GoPeers();
  const cli = new CliFolder();
  let server: GoServer;
  let at: string;
  beforeAll(async () => {
    go.build();
    server = await go.serve();
    at = `127.0.0.1:${server.port}`;
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    await server.stop();
    go.dispose();
    cli.destroy();
  });
  const contract = ['--contract', cli.file('test/support/interop-contract.js')];

  it('has its pings answered, with or without asking for the extension', async () => {
    for (const flags of [[], ['--plain']]) {
      const { code, stdout } = await cli.run(['ping', at, '-c', '2', '-i', '1ms', ...flags]);
      expect(stdout).toMatch(/seq=1 time=[\d.]+ ms \(plain peer\)\n.*seq=2 time=/);
      expect(stdout).toMatch(/2 pings sent, 2 pongs received, 0% loss/);
      expect(code).toBe(0);
    }
  });

  it.each([
    [['0', '{"A":2,"B":3}'], '5\n'],
    [['AddCmd', '{"A":9007199254740993,"B":0}', ...contract], '9007199254740993\n'],
    [['3', '"héllo 😀"'], '"héllo 😀"\n'],
    [['2', '{"N":2}', '--last', 'Last'], '{"I":0,"Last":false}\n{"I":1,"Last":true}\n'],
    [
      ['CountCmd', '{"N":2}', '--types', ...contract],
      '{"type":1,"name":"CountResult","body":{"I":0,"Last":false}}\n{"type":1,"name":"CountResult","body":{"I":1,"Last":true}}\n',
    ],
  ])('gets what it answers to %j', async (args, stdout) => {
    expect(await cli.run(['send', at, ...args])).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('says that more Results came where no contract says which is the last', async () => {
    const { code, stdout, stderr } = await cli.run(['send', at, '2', '{"N":3}']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"I":0,"Last":false}\n' });
    expect(stderr).toContain('more Results came behind the first');
  });

  it.each([
    [['4'], /^cmd-stream send: CONNECTION_LOST: the connection to .* was lost: .*\n$/],
    [['0', '{}', '-m', 'a=b'], /EXTENSION_UNAVAILABLE: .* need a server of nestjs-cmd-stream\n$/],
    [['--pattern', 'sum'], /EXTENSION_UNAVAILABLE: /],
  ])('fails in one line with %j', async (args, text) => {
    const { code, stdout, stderr } = await cli.run(['send', at, ...args]);
    expect(stderr).toMatch(text);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('measures it', async () => {
    const { code, stdout } = await cli.run(['bench', at, '0', '{"A":2,"B":3}', '-d', '200ms', '-q', '--json']);
    const { answered, failed, results } = JSON.parse(stdout) as Record<string, number>;
    expect(answered).toBeGreaterThan(0);
    expect({ code, failed, results }).toEqual({ code: 0, failed: 0, results: answered });
  });

  it('speaks TLS with it', async () => {
    const { key, cert } = selfSigned();
    for (const [name, text] of [
      ['go.crt', cert],
      ['go.key', key],
    ] as const)
      writeFileSync(cli.file(name), text);
    const secure = await go.serve('-tls-cert', cli.file('go.crt'), '-tls-key', cli.file('go.key'));
    try {
      const args = ['send', `127.0.0.1:${secure.port}`, '0', '{"A":2,"B":3}', '--ca', cli.file('go.crt')];
      expect(await cli.run(args)).toEqual({ code: 0, stdout: '5\n', stderr: '' });
    } finally {
      await secure.stop();
    }
  });

  it('answers a Go client as it is asked to', async () => {
    const program = cli.start('listen', '127.0.0.1:0', '-r', '5');
    try {
      const [, port] = await program.said(/listening on 127\.0\.0\.1:(\d+)/);
      expect(await go.calc(Number(port))).toBe('2 + 3 = 5\n8 - 4 = 5\n');
      program.child.kill('SIGINT');
      const { code, stdout } = await program.ended();
      const received = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      expect(received).toMatchObject([
        { type: 0, body: { A: 2, B: 3 } },
        { type: 1, body: { A: 8, B: 4 } },
      ]);
      expect(code).toBe(0);
    } finally {
      await program.destroy();
    }
  });
});
