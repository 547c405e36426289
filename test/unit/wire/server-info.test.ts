// The bytes of a ServerInfo, given and received.
import { describe, expect, it } from '@jest/globals';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { checkServerInfo, readServerInfo, serverInfoBytes, writeServerInfo } from '../../../lib/wire/server-info.js';
import { readChunks, readEveryWay } from './cutting.js';

describe('the bytes of a ServerInfo', () => {
  it('are the UTF-8 of a string', () => {
    expect(serverInfoBytes('v1.2-é').toString('hex')).toBe('76312e322dc3a9');
  });

  it('are a copy of given bytes', () => {
    const given = Uint8Array.of(1, 2, 3);
    const info = serverInfoBytes(given);
    given.fill(0);
    expect(info.toString('hex')).toBe('010203');
  });

  it.each(['', new Uint8Array()])('are refused when empty', (info) => {
    expect(() => serverInfoBytes(info)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('are refused beyond 1024 bytes, counted in UTF-8', () => {
    expect(serverInfoBytes('é'.repeat(512))).toHaveLength(1024);
    expect(() => serverInfoBytes('é'.repeat(513))).toThrow(
      expect.objectContaining({ code: 'SERVER_INFO_TOO_LARGE', message: expect.stringMatching(/1026.*1024/) }),
    );
  });
});

describe('a ServerInfo that arrives', () => {
  const read = (hex: string) => readEveryWay(Buffer.from(hex, 'hex'), (reader) => readServerInfo(reader).toString());

  it('is what was sent, however it is cut', () => {
    const writer = new ByteWriter();
    writeServerInfo(writer, serverInfoBytes('default'));
    const sent = writer.take().toString('hex');
    expect(sent).toBe('0764656661756c74');
    expect(read(sent)).toEqual({ value: 'default', consumed: 8 });
  });

  it('may be empty', () => {
    expect(read('00')).toEqual({ value: '', consumed: 1 });
  });

  it.each(['8108', 'ffffffffffffffff7f'])('is refused by its length alone: %s', (hex) => {
    expect(read(hex)).toMatchObject({ error: { code: 'SERVER_INFO_TOO_LARGE' }, consumed: hex.length / 2 });
  });

  it('is refused when its length is negative', () => {
    expect(read('ffffffffffffffffff01')).toMatchObject({ error: { code: 'NEGATIVE_LENGTH' } });
  });

  it('is refused when its length is no varint', () => {
    expect(read('8080808080808080808000')).toMatchObject({ error: { code: 'VARINT_OVERFLOW' } });
  });

  it('keeps its bytes when the receive buffer is used again', () => {
    const chunk = Buffer.from('0764656661756c74', 'hex');
    const reading = readChunks([chunk], readServerInfo);
    chunk.fill(0);
    expect('value' in reading && reading.value.toString()).toBe('default');
  });
});

describe('a ServerInfo that is compared', () => {
  it('is the expected one, byte for byte, or the error shows both', () => {
    expect(() => checkServerInfo(serverInfoBytes('v1'), serverInfoBytes('v1'))).not.toThrow();
    for (const other of ['v2', 'v', 'v11', 'V1'])
      expect(() => checkServerInfo(serverInfoBytes('v1'), serverInfoBytes(other))).toThrow(
        expect.objectContaining({
          code: 'SERVER_INFO_MISMATCH',
          message: `option "serverInfo": expected "v1", the server says "${other}"`,
        }),
      );
  });
});
