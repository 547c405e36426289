// What the clients note of failures until the next tally. What is alike and happens within the same second is one
// entry.
import type { Incident } from './incidents.js';
import type { Tally } from './tally.js';

type Entry = { -readonly [K in keyof Incident]: Incident[K] };

const SECOND_MS = 1000;
const MOST_TEXTS = 20;

export class IncidentBook {
  #entries = new Map<string, Entry>();
  #lost: [number, number, string, string][] = [];
  #unsent: number[] = [];
  #failedCommands: [string, number, number][] = [];
  #texts: string[] = [];

  /** A call that began at `began`, monotonic milliseconds, has failed now. */
  call(failed: Pick<Incident, 'client' | 'code' | 'cause' | 'sent'> & { readonly began: number }): void {
    const { began, ...incident } = failed;
    const now = Date.now();
    this.#note({ what: 'call', ...incident, from: now - (performance.now() - began), until: now, count: 1 });
  }

  connection(ended: Pick<Incident, 'what' | 'client' | 'site' | 'code' | 'cause'>): void {
    const now = Date.now();
    this.#note({ ...ended, from: now, until: now, count: 1 });
  }

  /** `error` says where and why. */
  lost(id: number, client: string, error: string): void {
    this.#lost.push([id, Date.now(), client, error]);
  }

  unsent(id: number): void {
    this.#unsent.push(id);
  }

  /** A Command of a plain client that fails, and was sent at `began`, has cost its connection now. */
  failedCommand(client: string, began: number): void {
    this.#failedCommands.push([client, began, Date.now()]);
  }

  text(text: string): void {
    if (this.#texts.length < MOST_TEXTS) this.#texts.push(text);
  }

  /** All of it; the next one begins empty. */
  take(): Pick<Tally, 'incidents' | 'lostIds' | 'unsentIds' | 'failedCommands' | 'texts'> {
    const taken = {
      incidents: [...this.#entries.values()],
      lostIds: this.#lost,
      unsentIds: this.#unsent,
      failedCommands: this.#failedCommands,
      texts: this.#texts,
    };
    this.#entries = new Map();
    [this.#lost, this.#unsent, this.#failedCommands, this.#texts] = [[], [], [], []];
    return taken;
  }

  #note(incident: Incident): void {
    const { what, client, site, code, cause, sent, from, until } = incident;
    const seconds = [from, until].map((at) => Math.floor(at / SECOND_MS));
    const key = [what, client, site, code, cause, sent, ...seconds].join();
    const entry = this.#entries.get(key);
    if (!entry) {
      this.#entries.set(key, { ...incident });
      return;
    }
    entry.count++;
    entry.from = Math.min(entry.from, from);
    entry.until = Math.max(entry.until, until);
  }
}
