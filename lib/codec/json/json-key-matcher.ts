// For peers that write keys in another letter case, as Go reads them: which field of its class a key means.
import type { ClassTransformer } from './json-class-transformer.js';
import type { TypeClass } from '../../contract/type-table.js';

type Body = Readonly<Record<string, unknown>>;

/**
 * What is known of a class: the keys its fields have in a body, and, where class-transformer renames one, its field.
 */
interface Keys {
  readonly fields: ReadonlyMap<string, string>;
  /** By the key in lower case; of several the first. */
  readonly folded: ReadonlyMap<string, string>;
}

export class KeyMatcher {
  readonly #transformer: ClassTransformer | undefined;
  readonly #keys = new Map<TypeClass, Keys>();

  /** With class-transformer, the classes that `@Type` gives to fields are matched too. */
  constructor(transformer?: ClassTransformer) {
    this.#transformer = transformer;
  }

  /**
   * The same body under the keys of the fields, an exact match first; of two keys that mean one field the later one
   * counts.
   */
  match(body: Body, type: TypeClass): Body {
    const { fields, folded } = this.#keysOf(type);
    const matched: Record<string, unknown> = {};
    for (const key of Object.keys(body)) {
      const name = fields.has(key) ? key : (folded.get(key.toLowerCase()) ?? key);
      const inner = this.#transformer?.typeOf(type, fields.get(name) ?? name, body);
      matched[name] = inner ? this.#matchInner(body[key], inner) : body[key];
    }
    return matched;
  }

  #matchInner(value: unknown, type: TypeClass): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#matchInner(item, type));
    return this.match(value as Body, type);
  }

  #keysOf(type: TypeClass): Keys {
    let keys = this.#keys.get(type);
    if (keys === undefined) {
      keys = keysOf(type, this.#transformer?.exposed(type));
      this.#keys.set(type, keys);
    }
    return keys;
  }
}

function keysOf(type: TypeClass, exposed: ReadonlyMap<string, string> = new Map()): Keys {
  const fields = new Map(exposed);
  for (const field of ownFields(type)) if (!fields.has(field)) fields.set(field, field);
  const folded = new Map<string, string>();
  for (const key of fields.keys()) if (!folded.has(key.toLowerCase())) folded.set(key.toLowerCase(), key);
  return { fields, folded };
}

function ownFields(type: TypeClass): readonly string[] {
  try {
    return Object.keys(new (type as unknown as new () => object)());
  } catch {
    // A nested class that cannot be made without arguments has only what it exposes.
    return [];
  }
}
