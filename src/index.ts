// The library: what `import "tsbuild"` gives. A table of contents, no code.

export * from "./model/definition.ts";
export * from "./model/diagnostic.ts";
export * from "./model/error.ts";
export * from "./model/event.ts";
export * from "./model/location.ts";
