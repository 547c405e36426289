// Who a peer is by its certificate.
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { alternativeNamesIn, ConnectionPeer, shownCertificate } from '../../../lib/server/session/connection-peer.js';

const none = { dns: [], ip: [], uri: [], email: [] };

describe('the alternative names of a certificate', () => {
  it.each([
    [undefined, none],
    ['', none],
    ['DNS:a.example', { ...none, dns: ['a.example'] }],
    ['DNS:a, DNS:b, IP Address:10.0.0.1', { ...none, dns: ['a', 'b'], ip: ['10.0.0.1'] }],
    ['IP Address:2001:DB8:0:0:0:0:0:1, DNS:a', { ...none, ip: ['2001:DB8:0:0:0:0:0:1'], dns: ['a'] }],
    ['URI:spiffe://a/b, email:a@b.c', { ...none, uri: ['spiffe://a/b'], email: ['a@b.c'] }],
    ['DNS:"a\\u002c DNS:b", DNS:c', { ...none, dns: ['a, DNS:b', 'c'] }],
    ['URI:"http://a\\"\\u002c DNS:b"', { ...none, uri: ['http://a", DNS:b'] }],
    ['DirName:"CN=a\\u002c DNS:b", Registered ID:1.2.3, othername:<unsupported>, DNS:c', { ...none, dns: ['c'] }],
    ['constructor:x, DNS:a', { ...none, dns: ['a'] }],
  ])('are those in %j', (text, names) => {
    expect(alternativeNamesIn(text)).toEqual(names);
  });

  it.each(['DNS:a, DNS:b"', 'DNS:a,DNS:b', 'a', 'DNS:"a', 'DNS:a, , DNS:b', '"DNS:a"'])(
    'are none, and not half of them, in %j',
    (text) => {
      expect(alternativeNamesIn(text)).toEqual(none);
    },
  );
});

describe('a peer', () => {
  it('that has no addresses and no certificate has nothing', () => {
    const shown = shownCertificate(new Duplex());
    expect(shown).toBeUndefined();
    const addresses = { remoteAddress: undefined, remotePort: undefined, localAddress: '::1', localPort: 1 };
    const peer = new ConnectionPeer(addresses, shown);
    expect(peer).toMatchObject({ address: undefined, port: undefined, authorized: false, certificate: undefined });
    expect(peer.alternativeNames).toEqual(none);
  });
});
