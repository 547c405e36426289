// The incoming half of a connection alone: what each byte is taken for, frames at their limit, those that are refused,
// the time a frame has, and bytes that arrive while a frame is handed on.
import { describe, expect, it } from '@jest/globals';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { connectionDefaults } from '../../../lib/connection/connection-options.js';
import { FrameReader, type FrameReaderListener } from '../../../lib/connection/frame-reader.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { readValue } from '../../../lib/wire/control-reader.js';
import { frame, uvarint } from '../../support/calc-frames.js';
import { control } from '../../support/extension-frames.js';

const HEAD_BYTES = 3;
const valueFrame = (seq: number, text: string): string =>
  control(6, uvarint(seq) + '01' + Buffer.from(JSON.stringify(text)).toString('hex'));

/** A reader of a server whose peer has probed; `onNews` may do anything, such as let more arrive. */
class Stage implements FrameReaderListener {
  readonly news: string[] = [];
  onNews = (): void => {};
  readonly reader: FrameReader;

  constructor(limit = 1_048_576) {
    const direction = {
      encode() {},
      decode: (reader: Parameters<FrameReaderListener['onControl']>[1]) => {
        reader.readUvarint();
        return reader.readBytes(reader.readLength()).toString();
      },
      data: jsonCodecDefaults,
      dataCodec: new DataCodec(jsonCodecDefaults),
      send: { bytes: limit, option: 'maxResultBytes' },
      receive: { bytes: limit, option: 'maxCommandBytes' },
    };
    const onInvalid = (error: unknown): void => this.#tell((error as CmdStreamError).code);
    this.reader = new FrameReader({ side: 'server', direction, ticker: { now: 0 } }, this, { onInvalid, onHeld() {} });
    this.receive('8000');
    // The first control frame has a limit of its own.
    this.receive(valueFrame(1, ''));
    this.news.length = 0;
  }

  receive(hex: string): void {
    this.reader.receive(Buffer.from(hex, 'hex'));
  }

  #tell(news: string): void {
    this.news.push(news);
    this.onNews();
  }

  onServerInfo(): void {}
  onProbeAnswer(): void {}

  onProbe(): boolean {
    return true;
  }

  onPing(count: number): void {
    this.#tell(`${count} pings`);
  }

  onValue(_seq: unknown, value: unknown, bytesRead: number): void {
    this.#tell(`${String(value)} (${bytesRead})`);
  }

  onRefused(): void {
    this.#tell('refused');
  }

  onControl(_kind: number, reader: Parameters<FrameReaderListener['onControl']>[1]): void {
    readValue(reader);
    this.#tell(reader.readUtf8(reader.remaining));
  }
}

/** Types of bodies that cannot be read: one whose end is known, one whose end is not, one that a bug refuses. */
const [REFUSED, UNKNOWN, BUG] = [7, 8, 9];
const GREETING_BYTES = 256 * 1024;
const first = control(5, '');

/** A reader of either side that notes all it hands on; its clock stands still until it is put on. */
class Journal implements FrameReaderListener {
  readonly news: string[] = [];
  readonly clock = { now: 1000 };
  /** How often a body was tried. */
  attempts = 0;
  canExtend = true;
  onNews = (_news: string): void => {};
  readonly reader: FrameReader;

  constructor(side: 'client' | 'server', limit = 1_048_576) {
    const direction = {
      encode() {},
      decode: (reader: Parameters<FrameReaderListener['onControl']>[1]) => {
        this.attempts++;
        const type = Number(reader.readUvarint());
        if (type === UNKNOWN) throw new CmdStreamError('UNKNOWN_TYPE', 'no such type');
        const length = reader.readLength();
        if (type === REFUSED || type === BUG) reader.delimit(length);
        if (type === BUG) throw new TypeError('a bug');
        if (type === REFUSED) throw new CmdStreamError('BAD_PAYLOAD', 'refused');
        return reader.readBytes(length).toString();
      },
      data: jsonCodecDefaults,
      dataCodec: new DataCodec(jsonCodecDefaults),
      send: { bytes: limit, option: 'send' },
      receive: { bytes: limit, option: 'receive' },
    };
    const onInvalid = (error: unknown): void => {
      this.#tell(`garbage: ${error instanceof CmdStreamError ? error.code : String(error)}`);
      this.reader.stop();
    };
    this.reader = new FrameReader({ side, direction, ticker: this.clock }, this, { onInvalid, onHeld() {} });
  }

  /** What is handed on of these bytes. */
  receive(hex: string): string[] {
    this.reader.receive(Buffer.from(hex, 'hex'));
    return this.news.splice(0);
  }

  #tell(news: string): void {
    this.news.push(news);
    this.onNews(news);
  }

  onServerInfo(info: Buffer): void {
    this.#tell(`info ${info.length}`);
  }

  onProbe(): boolean {
    this.#tell('probe');
    return this.canExtend;
  }

  onProbeAnswer(isExtended: boolean): void {
    this.#tell(`answer ${isExtended}`);
  }

  onPing(count: number): void {
    this.#tell(`pings ${count}`);
  }

  onValue(seq: unknown, value: unknown, bytesRead: number, copy?: Buffer): void {
    this.#tell(`${String(seq)} ${String(value)} ${bytesRead}${copy ? ` ${copy.toString('hex')}` : ''}`);
  }

  onControl(kind: number, reader: Parameters<FrameReaderListener['onControl']>[1]): void {
    this.#tell(`control ${kind} ${reader.remaining}`);
  }

  onRefused(seq: unknown, error: CmdStreamError): void {
    this.#tell(`refused ${String(seq)} ${error.code}`);
  }

  onReadEnd(): void {
    this.#tell('end');
  }

  onUnreadable(seq: unknown, error: CmdStreamError): void {
    this.#tell(`unreadable ${String(seq)} ${error.code}`);
  }
}

/** One of a server that has agreed on the extension. */
function extended(limit?: number): Journal {
  const journal = new Journal('server', limit);
  journal.receive(`8000${first}`);
  return journal;
}

/** A client that waits for the answer to its probe. */
function probed(client: Journal): Journal {
  client.receive('0161');
  client.reader.expectProbeAnswer();
  return client;
}

describe('the first bytes', () => {
  it.each([
    ['a ping', '00', ['pings 1', 'end']],
    ['pings', '0000', ['pings 2', 'end']],
    ['a Command', frame(1, 0, 'a'), ['1 a 4', 'end']],
    ['a Command whose number begins as a probe does', frame(128, 0, 'a'), ['128 a 5', 'end']],
    ['a ping in three bytes', '808000', ['pings 1', 'end']],
  ])('that are %s make no extended connection, and no probe comes later', (_what, bytes, news) => {
    const journal = new Journal('server');
    expect(journal.reader.isExtended).toBe(false);
    expect(journal.receive(bytes)).toEqual(news);
    expect(journal.receive('8000')).toEqual(['pings 1', 'end']);
    expect(journal.reader.isExtended).toBe(false);
  });

  it('that are a probe are waited for, and are a ping to a server that does not know it', () => {
    for (const canExtend of [true, false]) {
      const journal = new Journal('server', 64);
      journal.canExtend = canExtend;
      expect(journal.receive('80')).toEqual(['end']);
      expect(journal.receive('00')).toEqual(canExtend ? ['probe', 'end'] : ['probe', 'pings 1', 'end']);
      expect(journal.reader.isExtended).toBe(canExtend);
      expect(journal.reader.unread).toBe(0);
      expect(journal.receive('8000')).toEqual(canExtend ? ['end'] : ['pings 1', 'end']);
    }
    const plain = new Journal('server', 64);
    plain.canExtend = false;
    plain.receive('8000');
    expect(plain.receive(frame(1, 0, 'x'.repeat(62)))).toContain('garbage: FRAME_TOO_LARGE');
  });

  it('of a server are its name, however small frames must be; then come frames', () => {
    const journal = new Journal('client', 64);
    expect(journal.receive(`8008${'61'.repeat(1023)}`)).toEqual(['end']);
    expect(journal.receive('61')).toEqual(['info 1024', 'end']);
    expect(journal.receive(`00${frame(1, 0, 'a')}`)).toEqual(['pings 1', '1 a 4', 'end']);
    expect(journal.receive(frame(1, 0, 'x'.repeat(62)))).toEqual([
      'unreadable 1 FRAME_TOO_LARGE',
      'end',
      'garbage: FRAME_TOO_LARGE',
      'end',
    ]);
  });

  it('of a client that are too large are refused at once', () => {
    const journal = new Journal('server', 64);
    expect(journal.receive(frame(1, 0, 'x'.repeat(62)).slice(0, 8))).toContain('garbage: FRAME_TOO_LARGE');
  });

  it.each([
    ['a pong', '00', ['answer false', 'end'], false],
    ['the beginning of HELLO', '8000', ['answer true', 'end'], true],
    ['HELLO', first, ['answer true', 'control 5 0', 'end'], true],
    ['anything else', '01', ['end', 'garbage: PROTOCOL_ERROR', 'end'], false],
    ['a padded number', '8001', ['end', 'garbage: PROTOCOL_ERROR', 'end'], false],
  ])('behind a probe are its answer: %s', (_what, bytes, news, isExtended) => {
    const journal = probed(new Journal('client'));
    // The first of two bytes says nothing yet.
    const parts = bytes.startsWith('80') ? ['80', bytes.slice(2)] : [bytes];
    const read = parts.map((part) => journal.receive(part));
    expect(read).toEqual([...parts.slice(1).map(() => ['end']), news]);
    expect(journal.reader.isExtended).toBe(isExtended);
  });

  it('behind the answer are frames', () => {
    const journal = probed(new Journal('client'));
    expect(journal.receive(`00${frame(1, 0, 'a')}00`)).toEqual(['answer false', '1 a 4', 'pings 1', 'end']);
  });
});

describe('control frames', () => {
  it('are known by a number of two bytes; that of three is a ping', () => {
    const journal = extended();
    expect(journal.receive(`${control(3, '0102')}808000${control(4, '')}00`)).toEqual([
      'control 3 2',
      'pings 1',
      'control 4 0',
      'pings 1',
      'end',
    ]);
  });

  it('have the limit of the greeting once, on both sides', () => {
    const exact = '61'.repeat(GREETING_BYTES - 6);
    const made = {
      server: () => new Journal('server', 64),
      client: () => probed(new Journal('client', 64)),
    };
    for (const [side, make] of Object.entries(made)) {
      const probe = side === 'server' ? '8000' : '';
      const journal = make();
      expect(journal.receive(probe + control(1, exact))).toContain(`control 1 ${GREETING_BYTES - 6}`);
      expect(journal.receive(control(1, '61'.repeat(62)))).toContain('garbage: FRAME_TOO_LARGE');
      expect(make().receive(probe + control(1, `${exact}61`))).toContain('garbage: FRAME_TOO_LARGE');
    }
  });

  it('are the last thing handed on where the connection ends with them', () => {
    const journal = extended();
    journal.onNews = (news) => {
      if (news.startsWith('control')) journal.reader.stop();
    };
    expect(journal.receive(`${control(3, '01')}00`)).toEqual(['control 3 1', 'end']);
    expect(journal.reader.unread).toBe(0);
  });
});

describe('a body that cannot be read', () => {
  const refused = frame(1, REFUSED, 'x');

  it('costs a plain connection, of which the listener is notified first', () => {
    const journal = new Journal('server');
    expect(journal.receive(`${refused}00`)).toEqual(['unreadable 1 BAD_PAYLOAD', 'end', 'garbage: BAD_PAYLOAD', 'end']);
    expect(journal.receive('00')).toEqual([]);
  });

  it('costs an extended connection nothing but itself, again and again', () => {
    const journal = extended();
    for (let round = 0; round < 3; round++) {
      journal.reader.copiesNext = true;
      expect(journal.receive(refused)).toEqual(['refused 1 BAD_PAYLOAD', 'end']);
      expect(journal.receive(frame(2, 0, 'a'))).toEqual(['2 a 4', 'end']);
    }
  });

  it.each([
    ['its end is not known', UNKNOWN, 'UNKNOWN_TYPE', 'UNKNOWN_TYPE'],
    ['the codec has a bug', BUG, 'BAD_PAYLOAD', 'TypeError: a bug'],
  ])('costs an extended connection as well when %s', (_what, type, code, cause) => {
    expect(extended().receive(frame(1, type, 'x'))).toEqual([
      `unreadable 1 ${code}`,
      'end',
      `garbage: ${cause}`,
      'end',
    ]);
  });

  it('is not refused before all of it is there', () => {
    const journal = extended();
    const bytes = frame(1, REFUSED, 'xyz');
    for (let cut = 2; cut < bytes.length; cut += 2) expect(journal.receive(bytes.slice(cut - 2, cut))).toEqual(['end']);
    expect(journal.receive(bytes.slice(-2))).toEqual(['refused 1 BAD_PAYLOAD', 'end']);
  });
});

describe('the copy of a frame', () => {
  it('is given with the next value only, however it was cut', () => {
    const journal = new Journal('server');
    const bytes = frame(1, 0, 'ab');
    expect(journal.receive(bytes)).toEqual(['1 ab 5', 'end']);
    for (let round = 0; round < 2; round++) {
      journal.reader.copiesNext = true;
      expect(journal.receive(`00${bytes.slice(0, 4)}`)).toEqual(['pings 1', 'end']);
      expect(journal.receive(bytes.slice(4) + bytes)).toEqual([`1 ab 5 ${bytes}`, '1 ab 5', 'end']);
    }
  });
});

describe('the time of a frame', () => {
  it('begins with its first byte, and anew for the next one', () => {
    const journal = new Journal('server');
    const bytes = frame(1, 0, 'ab');
    for (let round = 1; round <= 3; round++) {
      expect(journal.reader.frameSince).toBe(0);
      journal.clock.now = round * 10_000;
      journal.receive(bytes.slice(0, 2));
      expect(journal.reader.frameSince).toBe(round * 10_000);
      journal.clock.now += 500;
      journal.receive(bytes.slice(2, 4));
      expect(journal.reader.frameSince).toBe(round * 10_000);
      journal.receive(bytes.slice(4));
    }
    journal.receive(bytes.slice(0, 2));
    journal.clock.now += 500;
    journal.receive(bytes.slice(2) + bytes.slice(0, 2));
    expect(journal.reader.frameSince).toBe(journal.clock.now);
    expect(journal.reader.lastReadAt).toBe(journal.clock.now);
  });

  it('does not pass while it is paused, and begins when it goes on', () => {
    const journal = new Journal('server');
    const bytes = frame(1, 0, 'ab');
    journal.receive(bytes.slice(0, 2));
    journal.reader.pause();
    expect(journal.reader.isPaused).toBe(true);
    expect(journal.reader.frameSince).toBe(0);
    expect(journal.receive(bytes.slice(2, 4))).toEqual(['end']);
    expect(journal.reader.frameSince).toBe(0);
    journal.clock.now = 7000;
    journal.reader.resume();
    expect(journal.reader.isPaused).toBe(false);
    expect(journal.reader.frameSince).toBe(7000);
    journal.reader.stop();
    expect(journal.reader.frameSince).toBe(0);
  });

  it('is not that of the greeting, which has the time of the attempt', () => {
    const journal = new Journal('client');
    journal.receive('02');
    journal.receive('61');
    expect(journal.reader.frameSince).toBe(0);
    journal.receive('61');
    journal.receive('01');
    expect(journal.reader.frameSince).toBe(1000);
  });
});

describe('an reader that has ended', () => {
  it('takes nothing in and hands nothing on', () => {
    const journal = new Journal('server');
    journal.receive('01');
    journal.reader.stop();
    expect(journal.reader.unread).toBe(0);
    journal.clock.now = 9000;
    expect(journal.receive(frame(1, 0, 'a'))).toEqual([]);
    expect(journal.reader.unread).toBe(0);
    expect(journal.reader.lastReadAt).toBe(1000);
  });

  it('takes nothing in where it ends while a frame is handed on, early or not', () => {
    const journal = new Journal('server');
    journal.onNews = () => {
      journal.onNews = () => {};
      journal.reader.stop();
      journal.receive(frame(2, 0, 'b'));
    };
    journal.receive(`${frame(1, 0, 'a')}00`);
    expect(journal.reader.unread).toBe(0);
    expect(journal.receive('00')).toEqual([]);
  });
});

describe('a pause', () => {
  it('within a frame that is handed on keeps those behind it until it is over, be that at once', () => {
    const journal = extended();
    journal.onNews = (news) => {
      if (news.startsWith('control')) journal.reader.pause();
    };
    expect(journal.receive(`${control(3, '01')}${control(4, '')}00`)).toEqual(['control 3 1', 'end']);
    expect(journal.reader.unread).toBe(5);
    journal.reader.resume();
    expect(journal.news.splice(0)).toEqual(['control 4 0', 'end']);
    journal.onNews = (news) => {
      if (!news.startsWith('control')) return;
      journal.reader.pause();
      journal.reader.resume();
    };
    journal.reader.resume();
    expect(journal.news.splice(0)).toEqual(['pings 1', 'end']);
    expect(journal.receive(`${control(3, '01')}${control(4, '')}00`)).toEqual([
      'control 3 1',
      'control 4 0',
      'pings 1',
      'end',
    ]);
  });

  it('keeps what arrives early, too', () => {
    const journal = new Journal('server');
    journal.onNews = (news) => {
      if (!news.startsWith('1 ')) return;
      journal.reader.pause();
      journal.reader.receive(Buffer.from(frame(2, 0, 'b'), 'hex'));
    };
    expect(journal.receive(frame(1, 0, 'a')).filter((news) => news !== 'end')).toEqual(['1 a 4']);
    expect(journal.reader.unread).toBe(4);
    journal.reader.resume();
    expect(journal.news).toEqual(['2 b 4', 'end']);
  });
});

describe('bytes that arrive while a frame is handed on', () => {
  /**
   * What is handed on of frames that arrive cut: the next byte with news number `at`, the rest with the one behind it.
   */
  function newsOf(all: string, cut: number, at: number): readonly string[] {
    const stage = new Stage();
    const early = [all.slice(cut, cut + 2), all.slice(cut + 2)];
    stage.onNews = () => {
      if (stage.news.length >= at && early.length > 0) stage.receive(early.shift()!);
    };
    stage.receive(all.slice(0, cut));
    for (const late of early.splice(0)) stage.receive(late);
    expect(stage.reader.unread).toBe(0);
    return stage.news;
  }

  it.each([
    ['control frames', (n: number) => valueFrame(n, 'abc'.repeat(n)), (n: number) => `"${'abc'.repeat(n)}"`],
    ['Commands', (n: number) => frame(n, 0, 'x'.repeat(n)), (n: number) => `${'x'.repeat(n)} (${n + HEAD_BYTES})`],
  ])('are read behind it, wherever they were cut: %s', (_what, made, read) => {
    const numbers = [1, 2, 3, 4, 5];
    const all = numbers.map(made).join('');
    for (const at of [1, 2, 3]) {
      for (let cut = 2; cut < all.length; cut += 2) expect(newsOf(all, cut, at)).toEqual(numbers.map(read));
    }
  });

  it('are read behind pings', () => {
    expect(newsOf(`00${frame(1, 0, 'a')}00`, 2, 1)).toEqual(['1 pings', 'a (4)', '1 pings']);
  });

  it('are forgotten when the connection ends there', () => {
    const stage = new Stage();
    stage.onNews = () => {
      stage.receive(frame(2, 0, 'b'));
      stage.reader.stop();
    };
    stage.receive(frame(1, 0, 'a'));
    expect(stage.news).toEqual(['a (4)']);
    expect(stage.reader.unread).toBe(0);
  });
});

describe('a frame', () => {
  const body = 'x'.repeat(100);

  it('that comes byte by byte is tried when enough of it may be there, and not with each of them', () => {
    const journal = new Journal('server');
    const bytes = frame(1, 0, body);
    for (let at = 0; at < bytes.length; at += 2) journal.reader.receive(Buffer.from(bytes.slice(at, at + 2), 'hex'));
    expect(journal.news.filter((news) => news !== 'end')).toEqual([`1 ${body} 103`]);
    expect(journal.attempts).toBeLessThanOrEqual(4);
  });

  it('of exactly the limit is read, one byte more is refused', () => {
    const exact = new Stage(HEAD_BYTES + body.length);
    exact.receive(frame(1, 0, body) + frame(2, 0, body));
    expect(exact.news).toEqual([`${body} (103)`, `${body} (103)`]);
    const less = new Stage(HEAD_BYTES + body.length - 1);
    less.receive(frame(1, 0, body));
    expect(less.news).toEqual(['FRAME_TOO_LARGE']);
  });
});

describe('a frame that is not complete', () => {
  const SECOND_BYTES = 131_072;
  const START = 1000;
  const options = { ...connectionDefaults, frameTimeoutMs: 2000 };

  // The number and the type of a frame, and the length of its text, which lacks.
  it.each([
    ['01', 2, 2001],
    [`0101${uvarint(SECOND_BYTES - 5)}`, SECOND_BYTES, 3000],
    [`0101${uvarint(7 * SECOND_BYTES - 5)}`, 7 * SECOND_BYTES, 9000],
  ])('%s, of %d bytes at least, is overdue after %d ms', (hex, _needed, limitMs) => {
    const journal = new Journal('server');
    journal.receive(hex);
    const { reader } = journal;
    expect(reader.frameSince).toBe(START);
    expect(reader.overdue(options, START + limitMs - 1)).toBeUndefined();
    expect(reader.overdue(options, START + limitMs)).toMatchObject({
      code: 'FRAME_TIMEOUT',
      message: `frame not complete after ${hex.length / 2} bytes: frameTimeoutMs (2000) is over`,
    });
  });

  it('is never overdue without a limit, nor before it has begun', () => {
    const journal = new Journal('server');
    expect(journal.reader.overdue(options, 1e9)).toBeUndefined();
    journal.receive('01');
    expect(journal.reader.overdue({ ...options, frameTimeoutMs: 0 }, 1e9)).toBeUndefined();
    expect(journal.reader.overdue(options, 1e9)).toBeDefined();
  });
});
