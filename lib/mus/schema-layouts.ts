// The layouts of the serializers of one schema, as texts that are equal where the schemas are, whether parts of them
// are shared, repeated, or refer to one another. Each serializer is asked once; its text stands where a reader comes
// upon it first, from then on there is its number.
//
//   ask each --> classes: those of one shape --(split where parts are of different classes, until all agree)--> texts

/** What has a layout. */
export interface Drawable {
  /** Itself, or what it wraps without a byte of its own. */
  readonly drawn: Drawable;
  /** Its layout, those of its parts as `draw` gives them. */
  describe(draw: (part: Drawable) => string): string;
}

interface Node {
  readonly serializer: Drawable;
  readonly parts: Node[];
  shape: string;
  /** The same for all that are laid out alike. */
  alike: number;
  /** False for what leads into a circle: what it is made of is known when all is. */
  isSettled: boolean;
}

export class SchemaLayouts {
  readonly #nodes = new Map<object, Node>();
  #last = 0;

  constructor(serializers: Iterable<Drawable>) {
    const settled = new Map<string, number>();
    for (const serializer of serializers) this.#ask(serializer.drawn, settled);
    this.#split([...this.#nodes.values()].filter(({ isSettled }) => !isSettled));
  }

  #ask(serializer: Drawable, settled: Map<string, number>): Node {
    const known = this.#nodes.get(serializer);
    if (known) return known;
    const node: Node = { serializer, parts: [], shape: '', alike: 0, isSettled: false };
    this.#nodes.set(serializer, node);
    node.shape = serializer.describe((part) => {
      node.parts.push(this.#ask(part.drawn, settled));
      return '#';
    });
    node.isSettled = node.parts.every((part) => part.isSettled);
    const key = node.isSettled ? `${partsOf(node)} ${node.shape}` : `circle ${node.shape}`;
    node.alike = this.#numberOf(key, settled);
    return node;
  }

  #numberOf(key: string, numbers: Map<string, number>): number {
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = ++this.#last));
    return number;
  }

  /** How often it splits depends on the classes alone, not on how many serializers there are of each. */
  #split(nodes: readonly Node[]): void {
    for (let before = 0; ;) {
      const numbers = new Map<string, number>();
      const next = nodes.map((node) => this.#numberOf(`${node.alike}:${partsOf(node)}`, numbers));
      for (const [index, node] of nodes.entries()) node.alike = next[index]!;
      if (numbers.size === before) return;
      before = numbers.size;
    }
  }

  /** The text of one of the serializers. */
  textOf(serializer: Drawable): string {
    const seen = new Map<number, number>();
    const draw = (part: Drawable): string => {
      const { alike, parts, serializer: drawn } = this.#nodes.get(part.drawn)!;
      const at = seen.get(alike);
      if (at !== undefined) return `#${at}`;
      // What has no parts is said again.
      if (parts.length > 0) seen.set(alike, seen.size);
      return drawn.describe(draw);
    };
    return draw(serializer);
  }
}

function partsOf({ parts }: Node): string {
  return parts.map(({ alike }) => alike).join(',');
}
