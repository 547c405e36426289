// The room for events that wait, of all connections of a server together: events outlive their connection, so that a
// bound for each connection would be none.

/** Most bytes of events that wait. */
const ROOM_BYTES = 128 * 1024 * 1024;

export class EventRoom {
  #bytes = 0;

  /** The limit, where there is no room for so much more. */
  limitFor(bytes: number): string | undefined {
    return this.#bytes + bytes > ROOM_BYTES ? `${ROOM_BYTES} bytes of all connections together` : undefined;
  }

  /** Counts bytes of memory that are held, or, when negative, are not any more. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }
}
