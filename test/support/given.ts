// Options for a test: `undefined` takes one away that the test would have otherwise. It means the default to lib, too,
// but the types of lib do not say so where `exactOptionalPropertyTypes` is on.
export type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };
