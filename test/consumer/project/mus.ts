// Serializers of an application: their types are inferred, and are those of its declarations.
import { mus, musCodec, Ref, type MusValue } from 'nestjs-cmd-stream/mus';
import { Add, contract, Count, Sum } from './contract.js';

export const { varint, raw } = mus;
export const flag = mus.bool;
export const half = mus.raw.float32;
export const add = mus.struct(Add, { a: mus.varint.int, b: mus.varint.int });
export const count = mus.struct(Count, { to: mus.varint.uint32 });
export const either = mus.interface([add, count]);
export const byName = mus.map(mus.string.with({ maxLength: undefined }), mus.ptr(mus.time.milliseconds));
export const boxes = mus.mapped(({ ref }) => mus.slice(ref(mus.raw.float64)));
export const typed = mus.typed(
  1,
  mus.lazy(() => add),
);
export const own = mus.custom({
  encode: (value: number, writer) => writer.writeByte(value),
  decode: (reader) => reader.readByte(),
});
export const small = own.check((value) => value < 10);
export const codec = musCodec({ commands: [add, count], results: [mus.struct(Sum, { value: mus.raw.float64 })] })(
  contract,
);
export const box = (value: MusValue<typeof half>) => new Ref(value);
export const parts = { list: mus.array(2, mus.bytes), integer: mus.raw.int64.bigint };
