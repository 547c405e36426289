// Clients and servers that passed through a bundler, which gives classes other names, call one another all the same.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bundle, type Bundle } from '../support/bundle.js';
import { Folder } from '../support/folder.js';
import { guardLeaks } from '../support/leak-guard.js';

const own = guardLeaks();
const folders = { named: new Folder(), unnamed: new Folder() };
const bundles = new Map<string, Bundle>();
const kinds = ['as it is', 'minified'] as const;
const pairs = kinds.flatMap((server) => kinds.map((client) => [server, client] as const));
const answers = ['orders a', 'users b', 'static standard'];

beforeAll(async () => {
  for (const [isNamed, folder] of [
    [true, folders.named],
    [false, folders.unnamed],
  ] as const) {
    bundles.set(`${isNamed} as it is`, await bundle(folder, isNamed));
    bundles.set(`${isNamed} minified`, await bundle(folder, isNamed, '--minify'));
  }
});
afterAll(() => {
  for (const folder of Object.values(folders)) folder.destroy();
});

const of = (isNamed: boolean, kind: string) => bundles.get(`${isNamed} ${kind}`)!;

describe('a bundle', () => {
  it('renames its classes', () => {
    expect(of(true, 'as it is').names).toEqual(['CreateCommand', 'CreateCommand2', '_WithStatic']);
    expect(new Set([...of(true, 'minified').names, ...of(true, 'as it is').names]).size).toBe(6);
  });

  it.each(pairs)(
    'calls another one if the classes have names that stay: server %s, client %s',
    async (server, client) => {
      const { port, destroy } = await of(true, server).serve();
      own({ destroy });
      expect(await of(true, client).call(port, { extension: 'require' })).toEqual(answers);
    },
  );

  it.each(pairs.filter(([server, client]) => server !== client))(
    'is refused without such names, and the error says how to give them: server %s, client %s',
    async (server, client) => {
      const { port, destroy } = await of(false, server).serve();
      own({ destroy });
      await expect(of(false, client).call(port)).rejects.toMatchObject({
        code: 'CONTRACT_MISMATCH',
        message: expect.stringMatching(/`commands\[0\]` is \w+ here.*renamed or minified\?.*commandType\(/),
      });
    },
  );
});
