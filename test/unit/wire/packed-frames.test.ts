// Frames that wait in one piece of memory: their order, their cost, and what a failure leaves.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { PackedFrames } from '../../../lib/wire/packed-frames.js';

const bytes =
  (length: number, fill = 1) =>
  (writer: ByteWriter): void =>
    writer.writeBytes(Buffer.alloc(length, fill));

describe('packed frames', () => {
  it('are taken in order, whole, with what they are', () => {
    const frame = fc.record({ length: fc.nat(70_000), isResult: fc.boolean(), takes: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 40 }), (frames) => {
        const packed = new PackedFrames();
        const model: { length: number; isResult: boolean; fill: number }[] = [];
        const take = (): void => {
          const { length, isResult, fill } = model.shift()!;
          expect(packed.startsWithResult).toBe(isResult);
          expect(packed.shift().equals(Buffer.alloc(length, fill))).toBe(true);
        };
        frames.forEach(({ length, isResult, takes }, fill) => {
          expect(packed.append(bytes(length, fill), isResult)).toBe(length);
          model.push({ length, isResult, fill });
          for (let count = 0; count < takes && model.length > 0; count++) take();
          expect(packed.length).toBe(model.length);
          expect(packed.bytes).toBe(model.reduce((sum, each) => sum + each.length + 8, 0));
          expect(packed.cost).toBeGreaterThanOrEqual(model.length > 0 ? packed.bytes : 0);
        });
        while (model.length > 0) take();
        expect([packed.length, packed.bytes, packed.cost, packed.startsWithResult]).toEqual([0, 0, 0, false]);
      }),
    );
  });

  it('cost what is given: 512 bytes to begin with, 512 for each chunk, 8 for each frame', () => {
    const packed = new PackedFrames();
    packed.append(bytes(5), true);
    expect(packed.cost).toBe(512 + 512 + 8);
    packed.append(bytes(5), true);
    expect(packed.cost).toBe(512 + 512 + 16);
  });

  it('cost little more than their bytes', () => {
    const packed = new PackedFrames();
    for (let count = 0; count < 100_000; count++) packed.append(bytes(5), true);
    expect(packed.bytes).toBe(1_300_000);
    expect(packed.cost).toBeLessThan(1.3 * packed.bytes);
    const large = new PackedFrames();
    for (let count = 0; count < 20; count++) large.append(bytes(2_000_000), true);
    expect(large.cost).toBeLessThan(1.01 * large.bytes);
  });

  it('lose nothing, and keep no memory, when one of them cannot be written', () => {
    const packed = new PackedFrames();
    packed.append(bytes(10, 7), true);
    const fails = (writer: ByteWriter): void => {
      writer.writeBytes(Buffer.alloc(5_000_000));
      throw new Error('no');
    };
    expect(() => packed.append(fails, true)).toThrow('no');
    expect(packed.length).toBe(1);
    expect(packed.cost).toBeLessThan(200_000);
    packed.append(bytes(3, 8), false);
    expect(packed.shift().toString('hex')).toBe('07'.repeat(10));
    expect(packed.shift().toString('hex')).toBe('080808');
  });

  it('do not come back when they are dropped while one is being written', () => {
    const packed = new PackedFrames();
    packed.append(bytes(10), true);
    packed.append((writer) => {
      packed.clear();
      writer.writeByte(1);
    }, true);
    expect([packed.length, packed.bytes, packed.cost]).toEqual([0, 0, 0]);
    packed.append(bytes(2, 9), true);
    expect(packed.shift().toString('hex')).toBe('0909');
  });

  it('refuse another one while one is being written', () => {
    const packed = new PackedFrames();
    const nested = (): void => void packed.append(bytes(1), true);
    expect(() => packed.append(nested, true)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(packed.isWriting).toBe(false);
    expect(packed.length).toBe(0);
  });
});
