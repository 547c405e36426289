// What servers in processes of their own have executed, as long as their Commands had an `id` in their metadata.
import { readFileSync, writeFileSync } from 'node:fs';
import { Folder } from './folder.js';

export class Journal {
  readonly #folder = new Folder();
  /** For the `journal` of a ServerSetup. */
  readonly path = this.#folder.file('executed');

  constructor() {
    writeFileSync(this.path, '');
  }

  /** One id for each execution, sorted as text. */
  get executed(): readonly string[] {
    return readFileSync(this.path, 'utf8').split('\n').slice(0, -1).toSorted();
  }

  destroy(): void {
    this.#folder.destroy();
  }
}
