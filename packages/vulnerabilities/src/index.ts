// What is known to be wrong with the packages of an artifact.
export {};
