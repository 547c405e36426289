// The kinds of the wire vectors, such as `ord.map<ord.string,varint.int>{maxLen:1}`, as serializers, and the way from a
// value of the vectors to one of ours and back.
import { mus, Ref, type MusSerializer, type PointerScope } from 'nestjs-cmd-stream/mus';

/** A serializer whose values the vectors write in their own way. */
export interface Kind {
  readonly serializer: MusSerializer<unknown>;
  /** From the vectors' JSON. */
  read(json: unknown): unknown;
  /** To the vectors' JSON. */
  show(value: unknown): unknown;
}

interface Parsed {
  readonly name: string;
  /** Between angle brackets. */
  readonly types: readonly string[];
  /** Between braces. */
  readonly options: readonly string[];
  /** Behind all that. */
  readonly suffix: string;
}

const closers: Readonly<Record<string, string>> = { '<': '>', '{': '}' };

function parse(text: string): Parsed {
  const name = /^[\w.]*/.exec(text)![0];
  let rest = text.slice(name.length);
  const parts: Record<string, string[]> = { '<': [], '{': [] };
  for (let open = rest[0] ?? ''; open in closers; open = rest[0] ?? '') {
    const end = closing(rest);
    parts[open] = splitTop(rest.slice(1, end));
    rest = rest.slice(end + 1);
  }
  return { name, types: parts['<']!, options: parts['{']!, suffix: rest };
}

/** In `elem>=0` and `value<1` something is compared. */
function isBracket(text: string, at: number): boolean {
  const word = /\w*$/.exec(text.slice(0, at))![0];
  return word === '' || !/^[<>]=?-?\d/.test(text.slice(at));
}

function depths(text: string): number[] {
  let depth = 0;
  return Array.from(text, (letter, at) => {
    if ('<{'.includes(letter) && isBracket(text, at)) depth++;
    if ('>}'.includes(letter) && isBracket(text, at)) depth--;
    return depth;
  });
}

function closing(text: string): number {
  return depths(text).indexOf(0);
}

function splitTop(text: string): string[] {
  const levels = depths(text);
  const parts = [''];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ',' && levels[at] === 0) parts.push('');
    else parts.push(`${parts.pop()}${text[at]}`);
  }
  return parts.filter((part) => part !== '');
}

const same = (value: unknown): unknown => value;
const kind = <T>(serializer: MusSerializer<T>, read = same, show = same): Kind => ({
  serializer: serializer as MusSerializer<unknown>,
  read,
  show,
});

const showFloat = (value: unknown): unknown => {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
};
const hexOf = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex');
const bytesOf = (hex: unknown): Uint8Array => Uint8Array.from(Buffer.from(hex as string, 'hex'));

/** `uint`, `positiveInt8`, `byte`: integers that the vectors write as decimal strings if they have 64 bits. */
function numberKind(encoding: 'varint' | 'raw', type: string): Kind | undefined {
  const numbers: Readonly<Record<string, MusSerializer<number>>> = mus[encoding];
  const serializer = Object.hasOwn(numbers, type) ? numbers[type] : undefined;
  if (serializer === undefined) return undefined;
  if (type.startsWith('float')) return kind(serializer, Number, showFloat);
  const { bigint } = serializer as { bigint?: MusSerializer<bigint> };
  return bigint ? kind(bigint, (text) => BigInt(text as string), String) : kind(serializer);
}

const times: Readonly<Record<string, keyof typeof mus.time>> = {
  timeUnix: 'seconds',
  timeUnixMilli: 'milliseconds',
  timeUnixMicro: 'microseconds',
  timeUnixNano: 'nanoseconds',
};

/** The zone is not transmitted: the UTC variants are the same bytes. */
function timeKind(type: string): Kind | undefined {
  const unit = times[type.replace(/UTC$/, '')];
  if (unit === undefined) return undefined;
  return kind(
    mus.time[unit].bigint,
    (json) => BigInt((json as { count: string }).count),
    (count) => ({ count: String(count) }),
  );
}

const comparisons: Readonly<Record<string, (left: never, right: never) => boolean>> = {
  '>=': (left, right) => left >= right,
  '<=': (left, right) => left <= right,
  '!=': (left, right) => left !== right,
  '==': (left, right) => left === right,
  '>': (left, right) => left > right,
  '<': (left, right) => left < right,
};

/** Applies `elem>=0` and its like: `part` is what such an option begins with, `reference` what the reference says. */
function checked({ serializer, ...rest }: Kind, part: string, reference: string, options: readonly string[]): Kind {
  return options.reduce<Kind>(
    (kept, option) => {
      const [, subject, operator = '', literal = ''] = /^(\w+?)(>=|<=|!=|==|>|<)(.*)$/.exec(option) ?? [];
      if (subject !== part) return kept;
      const check = kept.serializer.check((value) => {
        const bound =
          typeof value === 'bigint' ? BigInt(literal) : typeof value === 'number' ? Number(literal) : literal;
        if (!comparisons[operator]!(value as never, bound as never)) throw new Error(`own ${reference} error`);
      });
      return { ...rest, serializer: check };
    },
    { serializer, ...rest },
  );
}

function lengthOptions(options: readonly string[]): Parameters<typeof mus.string.with>[0] {
  const valueOf = (name: string) => options.find((option) => option.startsWith(`${name}:`))?.slice(name.length + 1);
  const [as, max] = [valueOf('len'), valueOf('maxLen')];
  const lengthAs = as === undefined ? undefined : numberSerializer(as);
  const nonEmpty = (length: number) => {
    if (length === 0) throw new Error('empty');
  };
  return {
    ...(lengthAs && { lengthAs }),
    ...(max !== undefined && { maxLength: Number(max) }),
    ...(options.includes('nonEmpty') && { checkLength: nonEmpty }),
  };
}

function numberSerializer(name: string): typeof mus.varint.int {
  const [encoding, type] = name.split('.') as ['varint' | 'raw', 'int'];
  return mus[encoding === ('unsafe' as never) ? 'raw' : encoding][type];
}

function listKind(element: Kind, size: number | undefined, options: readonly string[]): Kind {
  const { serializer, read, show } = checked(element, 'elem', 'element', options);
  const lengths = lengthOptions(options);
  const list = size === undefined ? mus.slice(serializer, lengths) : mus.array(size, serializer, lengths);
  return kind(
    list as MusSerializer<unknown>,
    (json) => (json as unknown[]).map(read),
    (value) => (value as unknown[]).map(show),
  );
}

function mapKind(keys: Kind, values: Kind, options: readonly string[]): Kind {
  const key = checked(keys, 'key', 'key', options);
  const value = checked(values, 'value', 'value', options);
  return kind(
    mus.map(key.serializer, value.serializer, lengthOptions(options)) as unknown as MusSerializer<unknown>,
    (json) => new Map((json as [unknown, unknown][]).map(([k, v]) => [key.read(k), value.read(v)])),
    (map) => [...(map as Map<unknown, unknown>)].map(([k, v]) => [key.show(k), value.show(v)]),
  );
}

/** A nil pointer is null. `isNested`: it points to a pointer, or a pointer to it, and a set one is `{ some: … }`. */
function pointerKind({ serializer, read, show }: Kind, isNested: boolean): Kind {
  const orNull = (map: (value: unknown) => unknown) => (value: unknown) => (value === null ? null : map(value));
  if (!isNested) return kind(mus.ptr(serializer), orNull(read), orNull(show));
  return kind(
    mus.ref(serializer) as MusSerializer<unknown>,
    orNull((json) => new Ref(read((json as { some: unknown }).some))),
    orNull((ref) => ({ some: show((ref as Ref<unknown>).value) })),
  );
}

/** The pointers of one mapped value, while it is read or shown: those with the same id are one Ref. */
class Pointers {
  readonly byId = new Map<number, Ref<unknown>>();
  readonly shown: Ref<unknown>[] = [];

  constructor(readonly scope: PointerScope) {}

  kind({ serializer, read, show }: Kind): Kind {
    const readRef = ({ id, value }: { id: number; value: unknown }) => {
      const ref = this.byId.get(id) ?? new Ref<unknown>(undefined);
      if (this.byId.has(id)) return ref;
      this.byId.set(id, ref);
      ref.value = read(value);
      return ref;
    };
    const showRef = (ref: Ref<unknown>) => {
      if (!this.shown.includes(ref)) this.shown.push(ref);
      return { id: this.shown.indexOf(ref), value: show(ref.value) };
    };
    return kind(
      this.scope.ref(serializer) as MusSerializer<unknown>,
      (json) => json && readRef(json as never),
      (ref) => ref && showRef(ref as never),
    );
  }
}

/** Every value is wrapped by itself. */
function mappedKind(text: string): Kind {
  let pointers: Pointers;
  let inner: Kind;
  const serializer = mus.mapped((scope) => {
    pointers = new Pointers(scope);
    inner = kindOf(text, { pointers });
    return inner.serializer;
  });
  return kind(
    serializer,
    (json) => {
      pointers.byId.clear();
      return inner.read(json);
    },
    (value) => {
      pointers.shown.length = 0;
      return inner.show(value);
    },
  );
}

class Struct {}

function structKind(fields: readonly string[]): Kind {
  const kinds = Object.fromEntries(
    fields.map((field) => [field.slice(0, field.indexOf(':')), kindOf(field.slice(field.indexOf(':') + 1))]),
  );
  const all = (from: unknown, way: 'read' | 'show') =>
    Object.fromEntries(
      Object.entries(kinds).map(([name, field]) => [name, field[way]((from as Record<string, unknown>)[name])]),
    );
  const serializers = Object.fromEntries(Object.entries(kinds).map(([name, { serializer }]) => [name, serializer]));
  return kind(
    mus.struct(Struct, serializers),
    (json) => all(json, 'read'),
    (value) => all(value, 'show'),
  );
}

const foo = 'struct.foo{a:varint.int,b:ord.bool,c:ord.string}';
const bench = 'struct.bench{Bool:ord.bool,Int64:varint.int64,String:ord.string,Float64:raw.float64}';

/** The value of a typed kind is `{ dtm, data }`; the same struct is there under several DTMs. */
export function typedKind(name: string, dtm: number): Kind {
  const data = kindOf({ 'typed.foo': foo, 'typed.bench': bench }[name] ?? name.replace(/^typed\./, ''));
  return kind(
    mus.typed(dtm, data.serializer),
    (json) => data.read((json as { data: unknown }).data),
    (value) => ({ dtm: String(dtm), data: data.show(value) }),
  );
}

interface Context {
  /** It is what a pointer points to. */
  readonly isPointee?: boolean;
  readonly pointers?: Pointers;
}

/** @throws {Error} when the kind is unknown */
export function kindOf(text: string, { isPointee = false, pointers }: Context = {}): Kind {
  const { name, types, options, suffix } = parse(text);
  if (suffix !== '' && !['.nil', '.range'].includes(suffix)) throw new Error(`unknown suffix ${suffix} of ${text}`);
  const [, scope = '', type = ''] = /^(\w+)\.(.*)$/.exec(name) ?? [];
  if (scope === 'pm' && pointers === undefined) return mappedKind(text);
  const inner = types.map((each) => kindOf(each, { isPointee: type === 'ptr', ...(pointers && { pointers }) }));
  if (scope === 'struct') return structKind(options);
  if (type === 'slice') return listKind(inner[0]!, undefined, options);
  if (/^array\d+$/.test(type)) return listKind(inner[0]!, Number(type.slice('array'.length)), options);
  if (type === 'map') return mapKind(inner[0]!, inner[1]!, options);
  if (scope === 'pm' && type === 'ptr') return pointers!.kind(inner[0]!);
  if (type === 'ptr') return pointerKind(inner[0]!, isPointee || types[0]!.startsWith('ord.ptr<'));
  if (type === 'bool') return kind(mus.bool);
  if (type === 'string') return kind(mus.string.with(lengthOptions(options)));
  if (type === 'string.bytes') return kind(mus.string.bytes as MusSerializer<unknown>, bytesOf, hexOf);
  if (type === 'byteSlice' || type === 'byteSlice.nil')
    return kind(mus.bytes.with(lengthOptions(options)) as MusSerializer<unknown>, bytesOf, hexOf);
  const found = timeKind(type) ?? numberKind(scope === 'varint' ? 'varint' : 'raw', type);
  if (found) return found;
  throw new Error(`nothing answers the kind ${text}`);
}
