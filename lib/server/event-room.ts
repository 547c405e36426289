// The room for events that wait, of all connections of a server together: events outlive their connection, so that a
// bound for each connection would be none.

/** Most bytes of events that wait. */
const ROOM_BYTES = 128 * 1024 * 1024;

export class EventRoom {
  #bytes = 0;

  /** Takes so much room; where there is not so much, the limit is given. */
  take(bytes: number): string | undefined {
    if (this.#bytes + bytes > ROOM_BYTES) return `${ROOM_BYTES} bytes of all connections together`;
    this.#bytes += bytes;
    return undefined;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
