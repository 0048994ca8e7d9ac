// Durable storage: files that are whole or absent, and the database.
export { ensureDirectory, removeLeftovers, syncDirectory, writeFileDurably } from "./durable-file.ts";
export { storeErrors } from "./errors.ts";
export { fileError } from "./file-error.ts";
