// class-transformer, where the application has it: which classes carry its metadata, what that says of their fields.
// Its absence means that no class has metadata. Where `@Type` is all it says, instances are made here, as
// class-transformer makes them of plain JSON, in a fraction of its time.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TypeClass } from '../../contract/type-table.js';
import { CmdStreamError } from '../../errors.js';
import installed from './installed-transformer.cjs';

interface Expose {
  readonly propertyName?: string;
  readonly options?: { readonly name?: string };
}

interface Typed {
  readonly typeFunction?: (help: { newObject: unknown; object: unknown; property: string }) => unknown;
  /** What TypeScript says of the field. */
  readonly reflectedType?: unknown;
  readonly options?: { readonly discriminator?: unknown };
}

type MetadataByClass = ReadonlyMap<unknown, unknown>;

/** The storage all decorators of class-transformer write to; the lists by class are not declared in its types. */
interface MetadataStorage {
  readonly _typeMetadatas: ReadonlyMap<unknown, ReadonlyMap<string, Typed>>;
  readonly _transformMetadatas: MetadataByClass;
  readonly _exposeMetadatas: MetadataByClass;
  readonly _excludeMetadatas: MetadataByClass;
  getExposedMetadatas(type: TypeClass): readonly Expose[];
  findTypeMetadata(type: TypeClass, property: string): Typed | undefined;
}

interface Library {
  Expose(): (target: object, field: string) => void;
  plainToInstance(type: TypeClass, plain: unknown, options: { exposeDefaultValues: boolean }): unknown;
  instanceToPlain(value: unknown): unknown;
}

type Fields = Record<string, unknown>;

/** Made of JSON by one call. */
const scalars: ReadonlyMap<unknown, (value: unknown) => unknown> = new Map<unknown, (value: unknown) => unknown>([
  [String, String],
  [Number, Number],
  [Boolean, Boolean],
  [Date, (value) => new Date(value as string)],
]);

/** For these class-transformer has rules of their own. */
const special: ReadonlySet<unknown> = new Set([Object, Array, Map, Set, Promise, Buffer]);

export class ClassTransformer {
  readonly #library: Library;
  readonly #storage: MetadataStorage;
  /** What `@Type` says of the fields of a class; undefined: there is more to the class. */
  readonly #typed = new Map<unknown, ReadonlyMap<string, Typed> | undefined>();

  constructor(library: Library, storage: MetadataStorage) {
    this.#library = library;
    this.#storage = storage;
  }

  /**
   * The class-transformer that `import 'class-transformer'` finds from here, `undefined` if there is none.
   *
   * @throws {CmdStreamError} INVALID_OPTION in a bundle that has a part of it, and has left another part out
   */
  static find(): ClassTransformer | undefined {
    const library = libraryHere();
    if (library === undefined) return undefined;
    library.Expose()(Marked.prototype, 'field');
    for (const load of [...installed.storages, ...outside('class-transformer/cjs/storage.js')]) {
      const { defaultMetadataStorage: storage } = (load() ?? {}) as { defaultMetadataStorage?: MetadataStorage };
      if (storage?._exposeMetadatas.has(Marked)) return new ClassTransformer(library, storage);
    }
    const remedy = 'let the bundler take all of it, or nothing: also the files behind "class-transformer/"';
    throw new CmdStreamError(
      'INVALID_OPTION',
      `what decorators of class-transformer say is not to be found: ${remedy}`,
    );
  }

  /** Has the class, or one it extends, any decorator of class-transformer? */
  handles(type: TypeClass): boolean {
    const { _typeMetadatas, _transformMetadatas, _exposeMetadatas, _excludeMetadatas } = this.#storage;
    const lists = [_typeMetadatas, _transformMetadatas, _exposeMetadatas, _excludeMetadatas];
    for (let each: unknown = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
      if (lists.some((list) => list.has(each))) return true;
    }
    return false;
  }

  /** Fields the plain value does not have keep what the constructor gave them. The plain value may be changed. */
  toInstance(type: TypeClass, plain: unknown): unknown {
    const typed = this.#typedFields(type);
    if (typed === undefined) return this.#library.plainToInstance(type, plain, { exposeDefaultValues: true });
    return this.#make(type, typed, plain as Fields);
  }

  /** Is `@Type` all there is to the class, and to those that it names? */
  isPlain(type: TypeClass, seen = new Set<unknown>()): boolean {
    if (seen.has(type)) return true;
    seen.add(type);
    const typed = this.#typedFields(type);
    if (typed === undefined) return false;
    try {
      return Array.from(typed).every(([property, { typeFunction }]) => {
        const inner = typeFunction?.({ newObject: undefined, object: {}, property });
        return inner === undefined || scalars.has(inner) || this.isPlain(inner as TypeClass, seen);
      });
    } catch {
      // It depends on the value.
      return false;
    }
  }

  #typedFields(type: unknown): ReadonlyMap<string, Typed> | undefined {
    if (!this.#typed.has(type)) this.#typed.set(type, this.#findTyped(type));
    return this.#typed.get(type);
  }

  #findTyped(type: unknown): ReadonlyMap<string, Typed> | undefined {
    const { _typeMetadatas, _transformMetadatas, _exposeMetadatas, _excludeMetadatas } = this.#storage;
    if (typeof type !== 'function' || special.has(type) || scalars.has(type)) return undefined;
    const fields = new Map<string, Typed>();
    for (let each: unknown = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
      if ([_transformMetadatas, _exposeMetadatas, _excludeMetadatas].some((list) => list.has(each))) return undefined;
      for (const [field, typed] of _typeMetadatas.get(each) ?? []) if (!fields.has(field)) fields.set(field, typed);
    }
    return Array.from(fields.values()).every(isSimple) ? fields : undefined;
  }

  #make(type: TypeClass, typed: ReadonlyMap<string, Typed>, plain: Fields): unknown {
    const prototype = type.prototype as object;
    const made = new (type as unknown as new () => Fields)();
    for (const key of Object.keys(plain)) {
      // As class-transformer has it: methods stay, and so does what has no setter.
      if (typeof made[key] === 'function') continue;
      if (key in prototype && isReadOnly(prototype, key)) continue;
      const inner = typed.get(key)?.typeFunction?.({ newObject: made, object: plain, property: key });
      made[key] = inner === undefined ? withoutMethods(plain[key]) : this.#value(inner, plain[key]);
    }
    return made;
  }

  #value(type: unknown, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#value(type, item));
    const convert = scalars.get(type);
    if (convert) return value === null ? value : convert(value);
    const isObject = typeof value === 'object' && value !== null;
    return !isObject && this.#typedFields(type) ? value : this.toInstance(type as TypeClass, value);
  }

  toPlain(value: unknown): unknown {
    return this.#library.instanceToPlain(value);
  }

  /** The exposed fields of a class by the key they have in a body. */
  exposed(type: TypeClass): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    for (const { propertyName, options } of this.#storage.getExposedMetadatas(type)) {
      if (propertyName !== undefined) fields.set(options?.name ?? propertyName, propertyName);
    }
    return fields;
  }

  /** The class that `@Type` gives the values of a field, unless the value itself decides. */
  typeOf(type: TypeClass, field: string, plain: unknown): TypeClass | undefined {
    const typed = this.#storage.findTypeMetadata(type, field);
    if (typed === undefined || typed.options?.discriminator !== undefined) return undefined;
    const found = typed.typeFunction?.({ newObject: undefined, object: plain, property: field });
    return typeof found === 'function' ? (found as TypeClass) : undefined;
  }
}

/** What its decorators say of this class shows where they keep it. */
class Marked {}

function libraryHere(): Library | undefined {
  try {
    return installed.main() as Library | undefined;
  } catch {
    const [found] = outside('class-transformer').flatMap((load) => load() ?? []);
    return found as Library | undefined;
  }
}

/** What a bundle of ES modules has left out: it is sought beside what the process was started with, and where. */
function outside(name: string): (() => unknown)[] {
  const { argv, cwd } = process;
  return [argv[1], join(cwd(), 'main.js')].flatMap((from) => {
    if (from === undefined) return [];
    return () => {
      try {
        return createRequire(from)(name) as unknown;
      } catch {
        return undefined;
      }
    };
  });
}

function isSimple({ typeFunction, reflectedType, options }: Typed): boolean {
  if (typeFunction === undefined || options?.discriminator !== undefined) return false;
  return typeof reflectedType !== 'function' || reflectedType === Array || !isCollection(reflectedType);
}

/** May a list become one of it? */
function isCollection(type: { readonly prototype?: unknown }): boolean {
  const { prototype } = type;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return type === Map || type === Set || prototype instanceof Set || 'push' in prototype;
}

function isReadOnly(prototype: object, key: string): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  return descriptor !== undefined && descriptor.set === undefined;
}

/** class-transformer leaves out of objects without a class what would hide a method of theirs. */
function withoutMethods(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') withoutMethods(item);
    return value;
  }
  const fields = value as Fields;
  for (const key in fields) {
    if (key in Object.prototype) delete fields[key];
    else if (typeof fields[key] === 'object') withoutMethods(fields[key]);
  }
  return value;
}
