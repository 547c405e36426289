// Many connections: what one costs beside one of node:net, and whether others notice them.
import { setTimeout as delay } from 'node:timers/promises';
import { selfSigned } from '../../support/certificates.js';
import { withChildren } from './child.js';
import { median, rounded, worstOf, type Figures } from './figure.js';
import type { Say } from './measure.js';

const CONNECTIONS = 5000;
const ROUNDS = 5;
const WARM_UP = 200;
const ECHO_SECONDS = 5;
const SETTLE_MS = 1000;

function besideMute(isSecure: boolean): Promise<{ good: readonly number[]; quiet: readonly number[] }> {
  return withChildren(async (start) => {
    const server = start('nestServer');
    const keys = isSecure ? selfSigned() : undefined;
    const port = await server.ask('serve', keys ? { tls: keys } : {});
    const victim = start('victim');
    const rounds = async (count: number): Promise<number[]> => {
      const waited: number[] = [];
      for (let round = 0; round < count; round++) waited.push(await victim.ask('first', port, keys?.cert));
      return waited;
    };
    await rounds(20);
    const quiet = await rounds(ROUNDS);
    const attacker = start('attacker');
    await attacker.ask('open', port, CONNECTIONS);
    // The system has accepted them; the server has yet to.
    await delay(SETTLE_MS);
    return { good: await rounds(ROUNDS), quiet };
  });
}

export async function measureMute(say: Say): Promise<Figures> {
  const cases: Record<string, readonly number[]> = {};
  const quiets: number[] = [];
  for (const isSecure of [false, true]) {
    const { good, quiet } = await besideMute(isSecure);
    cases[isSecure ? 'TLS' : 'plain'] = good;
    quiets.push(...quiet);
    say(
      `mute, ${isSecure ? 'TLS' : 'plain'}: ${good.map(rounded).join(', ')} ms; quiet ${quiet.map(rounded).join(', ')}`,
    );
  }
  return { muteGoodMs: worstOf(cases, quiets) };
}

interface Many {
  /** Of one connection, in KiB, with all garbage collected: of the process, and what JavaScript uses of it. */
  readonly rssKiB: number;
  readonly usedKiB: number;
  readonly p99: number;
  readonly loop: number;
  /** Echoes that were not sent, as the last one was not answered within a second. */
  readonly leftOut: number;
}

function manyConnections(role: 'nestServer' | 'bareServer'): Promise<Many> {
  return withChildren(async (start) => {
    const server = start(role);
    const port = await server.ask('serve');
    // What a server grows by once, for any number of connections.
    const first = start('attacker');
    await first.ask('open', port, WARM_UP);
    await first.ask('echo', 2);
    await first.ask('close');
    const before = await server.ask('memory');
    const crowd = start('attacker');
    await crowd.ask('open', port, CONNECTIONS);
    await server.ask('watch');
    const { p99, leftOut, unanswered } = await crowd.ask('echo', ECHO_SECONDS);
    const { loopDelayP99Ms } = await server.ask('watched');
    if (unanswered > 0) throw new Error(`${unanswered} calls were not answered by the ${role}`);
    const after = await server.ask('memory');
    const kib = (growth: number): number => (growth * 1024) / CONNECTIONS;
    const [rssKiB, usedKiB] = [kib(after.rss - before.rss), kib(after.used - before.used)];
    return { rssKiB, usedKiB, p99, loop: loopDelayP99Ms, leftOut };
  });
}

export async function measureConnections(say: Say): Promise<Figures> {
  const nest: Many[] = [];
  const bare: Many[] = [];
  const showOne = ({ rssKiB, usedKiB, p99, loop, leftOut }: Many): string =>
    `${rounded(rssKiB)} KiB (${rounded(usedKiB)} used), p99 ${rounded(p99)} ms, loop ${rounded(loop)} ms` +
    (leftOut > 0 ? `, ${leftOut} left out` : '');
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await manyConnections('bareServer'));
    nest.push(await manyConnections('nestServer'));
    say(`connections: node:net ${showOne(bare.at(-1)!)}; Nest ${showOne(nest.at(-1)!)}`);
  }
  const all = (of: readonly Many[], key: keyof Many): readonly number[] => of.map((one) => one[key]);
  const medianOf = (of: readonly Many[], key: keyof Many): number => rounded(median(all(of, key)));
  return {
    connKiB: {
      value: median(nest.map(({ rssKiB }, round) => rssKiB - bare[round]!.rssKiB)),
      quiet: medianOf(bare, 'rssKiB'),
      of: {
        'Nest, rss': all(nest, 'rssKiB').map(rounded),
        'node:net, rss': all(bare, 'rssKiB').map(rounded),
        'Nest, used': medianOf(nest, 'usedKiB'),
        'node:net, used': medianOf(bare, 'usedKiB'),
      },
    },
    connP99Ms: worstOf({ p99: all(nest, 'p99') }, all(bare, 'p99')),
    connLoopMs: worstOf({ loop: all(nest, 'loop') }, all(bare, 'loop')),
  };
}
