// A folder of its own for what a test puts into the file system, gone with the test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'cmd-stream-'));

  file(name: string): string {
    return join(this.path, name);
  }

  destroy(): void {
    rmSync(this.path, { recursive: true });
  }
}
