// Whether `npm ci` can work from the lock file on every platform: npm leaves out what the registry at hand did not offer.

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

export function lockViolations(text: string): readonly string[] {
  const { packages } = JSON.parse(text) as Lock;
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) => {
    const absent = Object.keys(optionalDependencies).filter((name) => !isLocked(name, path, packages));
    return absent.map((name) => `${path} may need ${name}, which is not locked`);
  });
}

/** A package is found beside the one that needs it, or in any folder further out. */
function isLocked(name: string, from: string, packages: Lock['packages']): boolean {
  const folders = from.split('node_modules/');
  const outwards = folders.map((_, depth) => folders.slice(0, folders.length - depth).join('node_modules/'));
  return [...outwards, ''].some((folder) => {
    const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
    return Object.hasOwn(packages, `${prefix}node_modules/${name}`);
  });
}
