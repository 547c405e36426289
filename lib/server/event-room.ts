// The room for events that wait, of all connections of a server together: events outlive their connection, so that a
// bound for each connection would be none.

/** Most bytes of events that wait. */
const ROOM_BYTES = 64 * 1024 * 1024;

export class EventRoom {
  #bytes = 0;

  /** False if there is not so much room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > ROOM_BYTES) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
