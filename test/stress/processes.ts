// What the parent knows of all its processes: where their programs are, what they print, and what none of them may do.
import type { ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';

/** The program beside this file, built or not, as this one is. */
export function entryOf(name: string): string {
  return join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
}

/** What a process prints, line by line; none of ours should. */
export function outputOf(child: ChildProcess, onLine: (text: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') onLine(line);
    });
  }
}

const MOST_TEXTS = 20;

/** What must not happen at all: crashes, rejections without a handler, words on stderr. */
export class Defects {
  count = 0;
  /** The first of them. */
  readonly texts: string[] = [];
  readonly #onText: (text: string) => void;

  constructor(onText: (text: string) => void = () => {}) {
    this.#onText = onText;
  }

  add(text: string): void {
    this.count++;
    if (this.texts.length >= MOST_TEXTS) return;
    this.texts.push(text);
    this.#onText(text);
  }
}
