// Finds secrets in text and JSON, in one pass over many patterns, also where a stream splits them.
export {};
