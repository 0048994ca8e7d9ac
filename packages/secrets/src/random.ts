// Randomness comes in by parameter.

export type Random = (size: number) => Buffer;
