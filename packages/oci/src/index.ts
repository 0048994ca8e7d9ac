// OCI types, references, the content store and the registry client. Knows no policy.
export { ociErrors } from "./errors.ts";
export { isIndexMediaType, isManifestMediaType, MANIFEST_MEDIA_TYPES, MEDIA_TYPES } from "./media-types.ts";
export { Descriptor, type Platform } from "./descriptor.schema.ts";
export {
  artifactTypeOf,
  contentOf,
  ImageIndex,
  ImageManifest,
  MANIFEST_LIMIT_BYTES,
  parseManifest,
  referrerDescriptor,
  type ParsedManifest,
} from "./manifest.schema.ts";
export {
  formatReference,
  isRegistryHost,
  isRepositoryName,
  isTag,
  parseReference,
  type Reference,
  type ReferenceDefaults,
} from "./reference.ts";
export type {
  ByteRange,
  ChunkSource,
  ContentStore,
  ExpectedBlob,
  FetchOptions,
  FileSource,
  Landing,
  LandOptions,
  LocalFile,
  LocalRepository,
  Manifest,
  ManifestFacts,
  PutManifestOptions,
  Repository,
  StoredBlob,
  Upload,
} from "./repository.ts";
export type {
  CollectedRepository,
  CollectOptions,
  CollectReport,
  KeptBlobs,
  ScrubFinding,
  ScrubFindingType,
  ScrubOptions,
  ScrubReport,
} from "./maintenance.ts";
export type { ChangeEnd, RepositoryChange, StoreObserver, TagChange } from "./store-observer.ts";
export { openContentStore } from "./local/content-store.ts";
export { openBucketStore, type BucketStoreOptions } from "./s3/bucket-store.ts";
export type { S3Credentials, S3Place } from "./s3/s3-request.ts";
export { copyArtifact, copyBlob, type CopyOptions } from "./copy-artifact.ts";
export { DigestCache } from "./digest-cache.ts";
export { fileTarget } from "./file-target.ts";
export { OpenUploads } from "./remote/open-uploads.ts";
export { remoteRepository, type RemoteOptions } from "./remote/remote-repository.ts";
export { RegistrySession, type SessionOptions } from "./remote/registry-session.ts";
export type { Credentials, CredentialSource } from "./remote/credentials.ts";
export { credentialsFromFiles } from "./remote/auth-file.ts";
export { TokenMemory } from "./remote/token-memory.ts";
export { Transport } from "./remote/transport.ts";
