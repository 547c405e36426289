// class-transformer, where the application has it: which classes carry its metadata, and what that says of their
// fields. It is an optional peer: it is looked for when a codec is made, and its absence means that no class has
// metadata.
import { createRequire } from 'node:module';
import type { TypeClass } from '../../contract/type-table.js';

interface Expose {
  readonly propertyName?: string;
  readonly options?: { readonly name?: string };
}

interface Typed {
  readonly typeFunction?: (help: { newObject: unknown; object: unknown; property: string }) => unknown;
  readonly options?: { readonly discriminator?: unknown };
}

type MetadataByClass = ReadonlyMap<unknown, unknown>;

/** The storage all decorators of class-transformer write to; the lists by class are not declared in its types. */
interface MetadataStorage {
  readonly _typeMetadatas: MetadataByClass;
  readonly _transformMetadatas: MetadataByClass;
  readonly _exposeMetadatas: MetadataByClass;
  readonly _excludeMetadatas: MetadataByClass;
  getExposedMetadatas(type: TypeClass): readonly Expose[];
  findTypeMetadata(type: TypeClass, property: string): Typed | undefined;
}

interface Library {
  plainToInstance(type: TypeClass, plain: unknown, options: { exposeDefaultValues: boolean }): unknown;
  instanceToPlain(value: unknown): unknown;
}

export class ClassTransformer {
  readonly #library: Library;
  readonly #storage: MetadataStorage;

  constructor(library: Library, storage: MetadataStorage) {
    this.#library = library;
    this.#storage = storage;
  }

  /** The class-transformer that `import 'class-transformer'` finds from here, `undefined` if there is none. */
  static find(): ClassTransformer | undefined {
    const require = createRequire(import.meta.url);
    try {
      const { defaultMetadataStorage } = require('class-transformer/cjs/storage.js') as {
        defaultMetadataStorage: MetadataStorage;
      };
      return new ClassTransformer(require('class-transformer') as Library, defaultMetadataStorage);
    } catch {
      return undefined;
    }
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

  /** Fields the plain value does not have keep what the constructor gave them. */
  toInstance(type: TypeClass, plain: unknown): unknown {
    return this.#library.plainToInstance(type, plain, { exposeDefaultValues: true });
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
