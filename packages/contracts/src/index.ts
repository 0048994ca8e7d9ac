// Every shape that crosses an edge. One module a noun, so that who needs one loads one.
export { ACTIONS, Action, Decision, PolicyReason, ResourceType } from "./decision.schema.ts";
export { Evidence, NOT_CHECKED, Signer, VulnerabilityFacts } from "./evidence.schema.ts";
export { ClearAllResult, ClearanceEntry, ClearanceList, WaiverEntry, WaiverRequest } from "./clearance.schema.ts";
export type { ClearanceConfig } from "./clearance-config.schema.ts";
export { AppliedWaiver, Waiver, WaiverScope } from "./waiver.schema.ts";
export { ApprovalAnswer, ApprovalResult, PendingApproval, PendingApprovals } from "./approval.schema.ts";
export { ApprovalsConfig } from "./approvals-config.schema.ts";
export { ToolReachConfig } from "./tool-reach.schema.ts";
export type { PackageComponent } from "./component.ts";
export { AdmissionRequest, AdmissionReview, type AdmissionResponse, type PatchStep } from "./admission.schema.ts";
export { AdmissionStatus } from "./admission-status.schema.ts";
export { AdmissionConfig } from "./admission-config.schema.ts";
export { SimulationRequest, SimulationResult } from "./simulation.schema.ts";
export { ProvenanceRequest, ProvenanceResult, ProvenanceStatement } from "./provenance.schema.ts";
export { PolicyPackRequest, PolicyPackResult, PolicyPacks, PolicyPackSummary } from "./policy-pack.schema.ts";
export { Finding, FindingState, Severity } from "./finding.schema.ts";
export {
  AffectedArtifact,
  ScanCoverage,
  ScanFinding,
  ScanRequest,
  ScanResult,
  ScanStatus,
  VexAddRequest,
  VexAddResult,
  VulnerabilityChange,
  WhereUsedResult,
  Workload,
} from "./scan.schema.ts";
export {
  DatabaseChangeResult,
  DatabaseImportRequest,
  DatabaseStatus,
  DatabaseUpdateRequest,
  FeedFormat,
  Freshness,
  SourceImport,
  SourceStatus,
} from "./advisory-database.schema.ts";
export { KeylessConfig, OidcIssuerConfig, PinnedDocument, SigstoreConfig } from "./sigstore-config.schema.ts";
export { KeylessSignRequest, KeylessSignResult, SigstoreStatus, SigstoreTrust } from "./sigstore.schema.ts";
export { Kind, KIND_ANNOTATION } from "./kind.schema.ts";
export { Principal, UserPrincipal, WorkloadPrincipal } from "./principal.schema.ts";
export { AuditRecord, RecordBody, RecordPrincipal, RecordResource } from "./record.schema.ts";
export {
  InstalledSkills,
  SkillCheckResult,
  SkillConvertRequest,
  SkillImportRequest,
  SkillImportResult,
  SkillInstallRequest,
  SkillProject,
  SkillRemoveRequest,
  SkillSyncRequest,
  SkillTarget,
  SkillVariantsRequest,
} from "./skill.schema.ts";
export {
  BundleSaveRequest,
  BundleSaveResult,
  ImportRequest,
  ImportResult,
  LockRequest,
  LockResult,
} from "./bundle.schema.ts";
export { DeltaRequest, DeltaResult } from "./delta.schema.ts";
export { RegistryClientConfig } from "./registry-client-config.schema.ts";
export { BlobProgress, PushDirectoryRequest, TransferEvent, TransferOrder } from "./transfer.schema.ts";
export { EVENT_TYPES, type HousekeepingConfig } from "./housekeeping-config.schema.ts";
export {
  NumberedEvent,
  QuotaUsage,
  RegistryEvent,
  RetentionEntry,
  RetentionReport,
  RollbackRequest,
  RollbackResult,
  TagHistory,
  TagMove,
  WebhookState,
} from "./housekeeping.schema.ts";
export {
  ModelConvertRequest,
  ModelDetails,
  ModelForm,
  ModelFormatName,
  ModelInspectRequest,
  PushCheckRequest,
  PushCheckResult,
} from "./model.schema.ts";
export { CollectRequest, CollectResult, ScrubRequest, ScrubResult } from "./upkeep.schema.ts";
export { AdviceReason, AdviseRequest, AdviseResult, PackServerRequest, RunForm } from "./server-pack.schema.ts";
export { Config, GatewayServerConfig } from "./config.schema.ts";
export type { StorageConfig } from "./storage-config.schema.ts";
export type { VulnerabilitiesConfig } from "./vulnerabilities-config.schema.ts";
export { UpstreamStatus } from "./upstream.schema.ts";
export type { UpstreamsConfig } from "./upstream-config.schema.ts";
export {
  ArtifactDetails,
  ArtifactSummary,
  AuditVerifyResult,
  ClearResult,
  DoctorCheck,
  DoctorResult,
  PackRequest,
  PackResult,
  PolicyCheckResult,
  PolicyRequestBody,
  PolicyTestResult,
  Problem,
  RecordList,
  ReferenceRequest,
  RunRequest,
  RunStreamEvent,
  RunSummary,
  Status,
  TransferRequest,
  TransferResult,
  WhyResult,
} from "./control.schema.ts";
export {
  DirectorySignRequest,
  DirectorySignResult,
  DirectoryVerifyRequest,
  DirectoryVerifyResult,
  KeyCreateRequest,
  KeyImportRequest,
  ModelSignature,
  SigningKeyEntry,
  SigningKeyList,
  SignRequest,
  SignResult,
  UnmetRequirement,
  VerifyRequest,
  VerifyResult,
} from "./signing.schema.ts";
export {
  SecretKeys,
  SecretList,
  SecretRemoveRequest,
  SecretRotation,
  SecretScope,
  SecretSetRequest,
  SecretSummary,
} from "./secret.schema.ts";
export { BegunLogin, LoginEntry, LoginFinishRequest, LoginList, LoginProgress, LoginRequest } from "./login.schema.ts";
export type { LoginsConfig, ServerAuthConfig } from "./server-auth-config.schema.ts";
export { SecretsConfig, type SecretKeysConfig, type SecretValuesConfig } from "./secrets-config.schema.ts";
export type { SigningConfig } from "./signing-config.schema.ts";
export type { RequirementConfig } from "./requirements-config.schema.ts";
export {
  DiffRequest,
  DiffResult,
  SbomConfig,
  SbomFormatName,
  SbomOrigin,
  SbomRequest,
  SbomResult,
} from "./sbom.schema.ts";
export { EntryEvidence, EntryNetwork, EntrySecret, EntryTool, ServerEntry, ServerName } from "./server-entry.schema.ts";
export { Catalog, CatalogName } from "./catalog.schema.ts";
export {
  CatalogAddRequest,
  CatalogAddResult,
  CatalogChange,
  CatalogDiffRequest,
  CatalogEditResult,
  CatalogEntryDetails,
  CatalogEntrySummary,
  CatalogExportRequest,
  CatalogExportResult,
  CatalogFormatName,
  CatalogImportRequest,
  CatalogInitRequest,
  CatalogListing,
  CatalogPublishRequest,
  CatalogPublishResult,
  CatalogReviewRequest,
  CatalogReviewResult,
  CatalogSide,
  CatalogSummary,
} from "./catalog-control.schema.ts";
export { GatewayEntryConfig } from "./catalog-config.schema.ts";
export { GatewayReferenceConfig } from "./server-life-config.schema.ts";
export {
  AddServerRequest,
  LearnedNeeds,
  LearnRequest,
  RemovedServer,
  RunningServer,
  RunningServers,
  ServerCommand,
  ServerLog,
  ServerLogLine,
} from "./server-life.schema.ts";
export { GatewayLimit, GatewayProfile, ProfileName, ProfileServer, ProfileTool } from "./gateway-profile.schema.ts";
export {
  DriftConfig,
  InterceptorConfig,
  SecretGuardConfig,
  type SecretAction,
} from "./gateway-shield-config.schema.ts";
export {
  SecretAllowance,
  SecretAllowances,
  SecretAllowRequest,
  SecretForgetRequest,
  ServerApproval,
  ServerApprovalResult,
  ServerReview,
  ServerReviews,
  TextFinding,
  ToolReview,
} from "./gateway-shield.schema.ts";
export type { TelemetryConfig } from "./telemetry-config.schema.ts";
export {
  ProfileList,
  ProfileRemoved,
  ProfileSetRequest,
  ProfileSummary,
  ToolCallAnswer,
  ToolCallRequest,
  ToolList,
} from "./gateway-control.schema.ts";
