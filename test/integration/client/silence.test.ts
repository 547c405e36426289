// Calls go past a connection that has fallen silent while others have not.
import { describe, expect, it } from '@jest/globals';
import type { CommandClient, DispatchStrategy } from '../../../lib/core.js';
import { inTime, until } from '../../support/deadline.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer } from '../../support/named-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Gives the last connection, or the one it is asked to, and tells which it was given. */
class Observer implements DispatchStrategy {
  next: number | undefined;
  seen = '';

  pick: DispatchStrategy['pick'] = (connections) => {
    this.seen = connections.map(({ index }) => index).join();
    return connections.find(({ index }) => index === this.next) ?? connections.at(-1)!;
  };

  /** Calls until it is given these connections. */
  async isGiven(seen: string, client: CommandClient): Promise<void> {
    const call = async (): Promise<void> => {
      while (this.seen !== seen) await askedName(client);
    };
    await inTime(`connections ${seen} take calls`, call());
  }
}

describe('a connection that falls silent', () => {
  it('takes no calls while another one is not silent, and takes them again when it is no more', async () => {
    const [a, b] = [own(await NamedServer.start('a')), own(await NamedServer.start('b'))];
    const proxy = await FaultProxy.listen(a.port);
    const observer = new Observer();
    const client = own(groupClient([proxy, b], { dispatchStrategy: observer }));
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    proxy.stall('toClient');
    observer.next = 0;
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(2, 3), sink);
    observer.next = undefined;
    await observer.isGiven('1', client);
    expect(client.status).toBe('connected');
    await proxy.heal();
    await sink.ended();
    await observer.isGiven('0,1', client);
    await proxy.close();
  });
});
