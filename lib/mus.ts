// The door "nestjs-cmd-stream/mus": the MUS format and the codec that speaks it.
export { mus } from './mus/mus-namespace.js';
export { musCodec } from './mus/mus-codec.js';
export type { MusCodecOptions } from './mus/mus-codec-options.js';
export type { AnyMusSerializer, MusCheck, MusInput, MusSerializer, MusValue } from './mus/mus-serializer.js';
export type { MusCustom } from './mus/mus-custom.js';
export type { MusField, MusFields, MusStruct } from './mus/mus-struct.js';
export type { MusInteger, MusInteger64 } from './mus/mus-integer.js';
export type { MusInterface, MusTyped, MusVariantOf, MusVariants } from './mus/mus-interface.js';
export type { MusLazy } from './mus/mus-lazy.js';
export type { MusLazyOptions } from './mus/mus-lazy.js';
export type { MusLengthOptions } from './mus/length-rule.js';
export type { MusList } from './mus/mus-list.js';
export type { MusMap } from './mus/mus-map.js';
export type { MusPointer } from './mus/mus-pointer.js';
export type { MusBytes, MusString } from './mus/mus-text.js';
export type { MusTime } from './mus/mus-scalars.js';
export type { PointerScope } from './mus/mapped-pointers.js';
export { Ref } from './mus/mus-pointer.js';
