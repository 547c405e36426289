// The signal that a value is not complete in what has arrived so far. It is no error: the connection
// catches it, waits for more bytes and decodes the frame anew. Thrown often, so it carries no stack.

class Incomplete {}

/** Thrown by {@link ByteReader} when bytes are missing. A codec lets it pass. */
export const INCOMPLETE: Incomplete = Object.freeze(new Incomplete());
