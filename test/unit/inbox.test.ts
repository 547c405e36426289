// The incoming half of a connection alone: frames at their limit, and bytes that arrive while a frame is handed on.
import { describe, expect, it } from '@jest/globals';
import { jsonCodecDefaults } from '../../lib/codec/json-codec-options.js';
import { Inbox, type InboxOwner } from '../../lib/connection/inbox.js';
import type { CmdStreamError } from '../../lib/errors.js';
import { readValue } from '../../lib/wire/control-reader.js';
import { frame, uvarint } from '../support/calc-frames.js';
import { control } from '../support/extension-frames.js';

const HEAD_BYTES = 3;
const valueFrame = (seq: number, text: string): string =>
  control(6, uvarint(seq) + '01' + Buffer.from(JSON.stringify(text)).toString('hex'));

/** An inbox of a server whose peer has knocked; `onNews` may do anything, such as let more arrive. */
class Stage implements InboxOwner {
  readonly news: string[] = [];
  onNews = (): void => {};
  readonly inbox: Inbox;

  constructor(limit = 1_048_576) {
    const flow = {
      encode() {},
      decode: (reader: Parameters<InboxOwner['onControl']>[1]) => {
        reader.readUvarint();
        return reader.readBytes(reader.readLength()).toString();
      },
      data: jsonCodecDefaults,
      send: { bytes: limit, option: 'maxResultBytes' },
      receive: { bytes: limit, option: 'maxCommandBytes' },
    };
    this.inbox = new Inbox('server', flow, this, (error) => this.#tell((error as CmdStreamError).code));
    this.receive('8000');
    // The first control frame has a limit of its own.
    this.receive(valueFrame(1, ''));
    this.news.length = 0;
  }

  receive(hex: string): void {
    this.inbox.receive(Buffer.from(hex, 'hex'));
  }

  #tell(news: string): void {
    this.news.push(news);
    this.onNews();
  }

  onServerInfo(): void {}
  onKnockAnswer(): void {}

  onKnock(): boolean {
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

  onControl(_kind: number, reader: Parameters<InboxOwner['onControl']>[1]): void {
    const { data } = readValue(reader);
    this.#tell(data);
  }
}

describe('bytes that arrive while a frame is handed on', () => {
  /** What is told of frames that arrive cut: the next byte with news number `at`, the rest with the one behind it. */
  function newsOf(all: string, cut: number, at: number): readonly string[] {
    const stage = new Stage();
    const early = [all.slice(cut, cut + 2), all.slice(cut + 2)];
    stage.onNews = () => {
      if (stage.news.length >= at && early.length > 0) stage.receive(early.shift()!);
    };
    stage.receive(all.slice(0, cut));
    for (const late of early.splice(0)) stage.receive(late);
    expect(stage.inbox.unread).toBe(0);
    return stage.news;
  }

  it.each([
    ['control frames', (n: number) => valueFrame(n, 'abc'.repeat(n)), (n: number) => `"${'abc'.repeat(n)}"`],
    ['Commands', (n: number) => frame(n, 0, 'x'.repeat(n)), (n: number) => `${'x'.repeat(n)} (${n + HEAD_BYTES})`],
  ])('are read behind it, wherever they were cut: %s', (_what, made, told) => {
    const numbers = [1, 2, 3, 4, 5];
    const all = numbers.map(made).join('');
    for (const at of [1, 2, 3]) {
      for (let cut = 2; cut < all.length; cut += 2) expect(newsOf(all, cut, at)).toEqual(numbers.map(told));
    }
  });

  it('are read behind pings', () => {
    expect(newsOf(`00${frame(1, 0, 'a')}00`, 2, 1)).toEqual(['1 pings', 'a (4)', '1 pings']);
  });

  it('are forgotten when the connection ends there', () => {
    const stage = new Stage();
    stage.onNews = () => {
      stage.receive(frame(2, 0, 'b'));
      stage.inbox.stop();
    };
    stage.receive(frame(1, 0, 'a'));
    expect(stage.news).toEqual(['a (4)']);
    expect(stage.inbox.unread).toBe(0);
  });
});

describe('a frame', () => {
  const body = 'x'.repeat(100);

  it('of exactly the limit is read, one byte more is refused', () => {
    const exact = new Stage(HEAD_BYTES + body.length);
    exact.receive(frame(1, 0, body) + frame(2, 0, body));
    expect(exact.news).toEqual([`${body} (103)`, `${body} (103)`]);
    const less = new Stage(HEAD_BYTES + body.length - 1);
    less.receive(frame(1, 0, body));
    expect(less.news).toEqual(['FRAME_TOO_LARGE']);
  });
});
