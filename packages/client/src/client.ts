// The typed caller of the control API, for the CLI and for programs.
import type {
  AdmissionStatus,
  KeylessSignRequest,
  KeylessSignResult,
  SigstoreStatus,
  SigstoreTrust,
  AddServerRequest,
  AdviseRequest,
  AdviseResult,
  ApprovalAnswer,
  ApprovalResult,
  InstalledSkills,
  LearnedNeeds,
  LearnRequest,
  RemovedServer,
  RunningServer,
  RunningServers,
  ServerCommand,
  ServerLog,
  PendingApproval,
  ProfileList,
  ProfileRemoved,
  ProfileSetRequest,
  ProfileSummary,
  ToolCallAnswer,
  ToolCallRequest,
  ToolList,
  PendingApprovals,
  ProvenanceRequest,
  ProvenanceResult,
  SimulationRequest,
  SimulationResult,
  SkillCheckResult,
  SkillConvertRequest,
  SkillImportRequest,
  SkillImportResult,
  SkillInstallRequest,
  SkillRemoveRequest,
  SkillSyncRequest,
  SkillTarget,
  SkillVariantsRequest,
  ArtifactDetails,
  ArtifactSummary,
  AuditRecord,
  AuditVerifyResult,
  BundleSaveRequest,
  BundleSaveResult,
  ClearAllResult,
  ClearanceList,
  ClearResult,
  CollectRequest,
  CollectResult,
  DatabaseChangeResult,
  DatabaseImportRequest,
  DatabaseStatus,
  DatabaseUpdateRequest,
  DeltaRequest,
  DeltaResult,
  DiffRequest,
  DiffResult,
  DirectorySignRequest,
  DirectorySignResult,
  DirectoryVerifyRequest,
  DirectoryVerifyResult,
  DoctorResult,
  KeyCreateRequest,
  KeyImportRequest,
  ImportRequest,
  ImportResult,
  LockResult,
  ModelConvertRequest,
  ModelDetails,
  ModelInspectRequest,
  NumberedEvent,
  PackRequest,
  PackResult,
  PolicyCheckResult,
  PolicyPackResult,
  PolicyPacks,
  PolicyRequestBody,
  PolicyTestResult,
  PushCheckRequest,
  PushCheckResult,
  QuotaUsage,
  RecordList,
  RetentionReport,
  RollbackRequest,
  RollbackResult,
  RunRequest,
  RunStreamEvent,
  RunSummary,
  ScanRequest,
  ScanResult,
  ScrubRequest,
  SbomRequest,
  SbomResult,
  ScrubResult,
  BegunLogin,
  LoginEntry,
  LoginProgress,
  SecretList,
  SecretRemoveRequest,
  SecretRotation,
  SecretSetRequest,
  SecretSummary,
  SigningKeyEntry,
  SigningKeyList,
  SignRequest,
  SignResult,
  Status,
  TagHistory,
  TransferEvent,
  TransferOrder,
  TransferRequest,
  TransferResult,
  UpstreamStatus,
  VerifyRequest,
  VerifyResult,
  VexAddRequest,
  VexAddResult,
  WaiverEntry,
  WaiverRequest,
  WebhookState,
  WhereUsedResult,
  WhyResult,
} from "@pratique/contracts";
import { catalogCalls, type CatalogCalls } from "./catalog-calls.ts";
import { shieldCalls, type ShieldCalls } from "./shield-calls.ts";
import { call, stream, type Endpoint } from "./transport.ts";

/** Filters of a records query; `after` is a sequence number, for following the log. */
export interface RecordFilter {
  readonly run?: string | undefined;
  readonly action?: string | undefined;
  readonly decision?: string | undefined;
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

export interface Client {
  readonly catalogs: CatalogCalls;
  readonly shield: ShieldCalls;
  status(): Promise<Status>;
  doctor(): Promise<DoctorResult>;
  artifacts(): Promise<ArtifactSummary[]>;
  inspect(reference: string): Promise<ArtifactDetails>;
  pack(request: PackRequest): Promise<PackResult>;
  /** How a server on the daemon's machine is best run. */
  advise(request: AdviseRequest): Promise<AdviseResult>;
  sign(reference: string, options?: Omit<SignRequest, "reference">): Promise<SignResult>;
  /** Signs for the identity in an OIDC token, without a key. */
  signKeyless(request: KeylessSignRequest): Promise<KeylessSignResult>;
  sigstore(): Promise<SigstoreStatus>;
  sigstoreTrust(): Promise<SigstoreTrust>;
  verify(reference: string, options?: Omit<VerifyRequest, "reference">): Promise<VerifyResult>;
  signDirectory(request: DirectorySignRequest): Promise<DirectorySignResult>;
  verifyDirectory(request: DirectoryVerifyRequest): Promise<DirectoryVerifyResult>;
  signingKeys(): Promise<SigningKeyEntry[]>;
  createKey(request: KeyCreateRequest): Promise<SigningKeyEntry>;
  importKey(request: KeyImportRequest): Promise<SigningKeyEntry>;
  /** Begins a login to a server behind the gateway. */
  beginLogin(server: string): Promise<BegunLogin>;
  loginProgress(id: string): Promise<LoginProgress>;
  /** With the address at which a browser ended that could not reach the daemon. */
  finishLogin(address: string): Promise<{ server: string }>;
  logins(): Promise<LoginEntry[]>;
  forgetLogin(server: string): Promise<{ server: string }>;
  /** Without their values. */
  secrets(): Promise<SecretList>;
  setSecret(request: SecretSetRequest): Promise<SecretSummary>;
  removeSecret(request: SecretRemoveRequest): Promise<SecretSummary>;
  rotateSecrets(): Promise<SecretRotation>;
  clear(reference: string): Promise<ClearResult>;
  /** Decides anew over all that was ever cleared. */
  clearAll(): Promise<ClearAllResult>;
  clearances(onlyLost: boolean): Promise<ClearanceList>;
  addWaiver(request: WaiverRequest): Promise<WaiverEntry>;
  waivers(): Promise<WaiverEntry[]>;
  removeWaiver(id: string): Promise<WaiverEntry>;
  /** What is known against an artifact, or against what a bill of materials lists. */
  scan(request: ScanRequest): Promise<ScanResult>;
  /** The same as SARIF 2.1.0. */
  scanSarif(request: ScanRequest): Promise<Record<string, unknown>>;
  /** What has a package or a vulnerability, and what runs from it. */
  whereUsed(query: string): Promise<WhereUsedResult>;
  addVex(request: VexAddRequest): Promise<VexAddResult>;
  checkSkill(source: string): Promise<SkillCheckResult>;
  importSkill(request: SkillImportRequest): Promise<SkillImportResult>;
  convertSkill(request: SkillConvertRequest): Promise<SkillTarget>;
  skillVariants(request: SkillVariantsRequest): Promise<SkillTarget>;
  installSkills(request: SkillInstallRequest): Promise<InstalledSkills>;
  syncSkills(request: SkillSyncRequest): Promise<InstalledSkills>;
  removeSkill(request: SkillRemoveRequest): Promise<InstalledSkills>;
  lock(reference: string): Promise<LockResult>;
  saveBundle(request: BundleSaveRequest): Promise<BundleSaveResult>;
  import(request: ImportRequest): Promise<ImportResult>;
  convertModel(request: ModelConvertRequest): Promise<PackResult>;
  inspectModel(request: ModelInspectRequest): Promise<ModelDetails>;
  checkPush(request: PushCheckRequest): Promise<PushCheckResult>;
  delta(request: DeltaRequest): Promise<DeltaResult>;
  sbom(request: SbomRequest): Promise<SbomResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  /** Moves an artifact, line by line of how far it came; ends at the signal, and goes on where it was when asked again. */
  transfer(order: TransferOrder, signal?: AbortSignal): AsyncGenerator<TransferEvent>;
  push(request: TransferRequest): Promise<TransferResult>;
  pull(request: TransferRequest): Promise<TransferResult>;
  run(request: RunRequest, signal?: AbortSignal): AsyncGenerator<RunStreamEvent>;
  runs(): Promise<RunSummary[]>;
  records(filter: RecordFilter): Promise<AuditRecord[]>;
  /** New records, until the signal aborts. */
  followRecords(filter: RecordFilter, signal: AbortSignal): AsyncGenerator<AuditRecord>;
  why(record: string): Promise<WhyResult>;
  history(reference: string): Promise<TagHistory>;
  rollback(request: RollbackRequest): Promise<RollbackResult>;
  retention(request: { readonly isDryRun: boolean; readonly repository?: string }): Promise<RetentionReport>;
  quotas(): Promise<QuotaUsage[]>;
  events(filter: { readonly after?: number; readonly limit?: number }): Promise<NumberedEvent[]>;
  /** New events of the registry, until the signal aborts. */
  followEvents(after: number | undefined, signal: AbortSignal): AsyncGenerator<NumberedEvent>;
  webhooks(): Promise<WebhookState[]>;
  retryWebhooks(): Promise<{ retried: number }>;
  upstreams(): Promise<UpstreamStatus[]>;
  collect(request: CollectRequest): Promise<CollectResult>;
  scrub(request: ScrubRequest): Promise<ScrubResult>;
  advisories(): Promise<DatabaseStatus>;
  updateAdvisories(request: DatabaseUpdateRequest): Promise<DatabaseChangeResult>;
  importAdvisories(request: DatabaseImportRequest): Promise<DatabaseChangeResult>;
  /** Servers behind the gateway. */
  servers(): Promise<RunningServer[]>;
  commandServer(name: string, command: ServerCommand): Promise<RunningServer>;
  serverLog(name: string): Promise<ServerLog>;
  learnServer(name: string, request: LearnRequest): Promise<LearnedNeeds>;
  addServer(request: AddServerRequest): Promise<RunningServer>;
  profiles(): Promise<ProfileSummary[]>;
  setProfile(request: ProfileSetRequest): Promise<ProfileSummary>;
  removeProfile(name: string): Promise<ProfileRemoved>;
  /** Tools as the caller sees them: all, or those of a profile. */
  tools(profile?: string): Promise<ToolList["tools"]>;
  callTool(request: ToolCallRequest, signal?: AbortSignal): Promise<ToolCallAnswer>;
  removeServer(name: string): Promise<RemovedServer>;
  approvals(): Promise<PendingApproval[]>;
  /** All of them, now and after each change; while somebody reads, calls wait for an answer. */
  followApprovals(signal: AbortSignal): AsyncGenerator<PendingApprovals>;
  answerApproval(id: string, answer: ApprovalAnswer): Promise<ApprovalResult>;
  verifyAudit(): Promise<AuditVerifyResult>;
  checkPolicy(request: PolicyRequestBody): Promise<PolicyCheckResult>;
  testPolicy(request: PolicyRequestBody): Promise<PolicyTestResult>;
  policyPacks(): Promise<PolicyPacks>;
  addPolicyPack(pack: string): Promise<PolicyPackResult>;
  removePolicyPack(pack: string): Promise<PolicyPackResult>;
  verifyProvenance(request: ProvenanceRequest): Promise<ProvenanceResult>;
  admission(): Promise<AdmissionStatus>;
  simulatePolicy(request: SimulationRequest): Promise<SimulationResult>;
}

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined) parameters.set(key, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** A client of the daemon at `url`, acting as whoever holds `token`. */
export function openClient(endpoint: Endpoint): Client {
  const get = <T>(path: string) => call<T>(endpoint, { method: "GET", path });
  const post = <T>(path: string, body: unknown) => call<T>(endpoint, { method: "POST", path, body });
  return {
    catalogs: catalogCalls(endpoint),
    shield: shieldCalls(endpoint),
    status: () => get("/status"),
    doctor: () => get("/doctor"),
    artifacts: async () => (await get<{ artifacts: ArtifactSummary[] }>("/artifacts")).artifacts,
    inspect: (reference) => get(`/artifacts/inspect${query({ reference })}`),
    pack: (request) => post("/artifacts/pack", request),
    advise: (request) => post("/servers/advise", request),
    sign: (reference, options) => post("/artifacts/sign", { reference, ...options }),
    signKeyless: (request) => post("/artifacts/sign-keyless", request),
    sigstore: () => get("/sigstore"),
    sigstoreTrust: () => get("/sigstore/trust"),
    verify: (reference, options) => post("/artifacts/verify", { reference, ...options }),
    signDirectory: (request) => post("/models/directory/sign", request),
    verifyDirectory: (request) => post("/models/directory/verify", request),
    signingKeys: async () => (await get<SigningKeyList>("/signing/keys")).keys,
    createKey: (request) => post("/signing/keys/create", request),
    importKey: (request) => post("/signing/keys/import", request),
    beginLogin: (server) => post("/gateway/logins", { server }),
    loginProgress: (id) => get(`/gateway/logins/${encodeURIComponent(id)}`),
    finishLogin: (address) => post("/gateway/logins/finish", { address }),
    logins: async () => (await get<{ logins: LoginEntry[] }>("/gateway/logins")).logins,
    forgetLogin: (server) => post("/gateway/logins/forget", { server }),
    secrets: () => get("/secrets"),
    setSecret: (request) => post("/secrets", request),
    removeSecret: (request) => post("/secrets/remove", request),
    rotateSecrets: () => post("/secrets/rotate", {}),
    clear: (reference) => post("/artifacts/clear", { reference }),
    clearAll: () => post("/clearances/clear-all", {}),
    clearances: (onlyLost) => get(`/clearances${query({ lost: onlyLost ? "true" : undefined })}`),
    addWaiver: (request) => post("/waivers", request),
    waivers: async () => (await get<{ waivers: WaiverEntry[] }>("/waivers")).waivers,
    removeWaiver: (id) => post("/waivers/remove", { id }),
    scan: (request) => post("/vulnerabilities/scan", request),
    scanSarif: (request) => post("/vulnerabilities/scan/sarif", request),
    whereUsed: (text) => get(`/vulnerabilities/where-used${query({ query: text })}`),
    addVex: (request) => post("/vulnerabilities/vex", request),
    checkSkill: (source) => post("/skills/check", { source }),
    importSkill: (request) => post("/skills/import", request),
    convertSkill: (request) => post("/skills/convert", request),
    skillVariants: (request) => post("/skills/variants", request),
    installSkills: (request) => post("/skills/install", request),
    syncSkills: (request) => post("/skills/sync", request),
    removeSkill: (request) => post("/skills/remove", request),
    lock: (reference) => post("/artifacts/lock", { reference }),
    saveBundle: (request) => post("/bundles", request),
    import: (request) => post("/artifacts/import", request),
    convertModel: (request) => post("/models/convert", request),
    inspectModel: (request) => post("/models/inspect", request),
    checkPush: (request) => post("/models/check-push", request),
    delta: (request) => post("/artifacts/delta", request),
    sbom: (request) => post("/artifacts/sbom", request),
    diff: (request) => post("/artifacts/diff", request),
    transfer: (order, signal) => stream(endpoint, { method: "POST", path: "/transfers", body: order, signal }),
    push: (request) => post("/artifacts/push", request),
    pull: (request) => post("/artifacts/pull", request),
    run: (request, signal) => stream(endpoint, { method: "POST", path: "/runs", body: request, signal }),
    runs: async () => (await get<{ runs: RunSummary[] }>("/runs")).runs,
    records: async (filter) => (await get<RecordList>(`/records${query({ ...filter })}`)).records,
    followRecords: (filter, signal) =>
      stream(endpoint, { method: "GET", path: `/records/follow${query({ ...filter })}`, signal }),
    why: (record) => get(`/records/${encodeURIComponent(record)}/why`),
    history: (reference) => get(`/registry/history${query({ reference })}`),
    rollback: (request) => post("/registry/rollback", request),
    retention: (request) => post("/registry/retention", request),
    quotas: async () => (await get<{ repositories: QuotaUsage[] }>("/registry/quota")).repositories,
    events: async (filter) =>
      (await get<{ events: NumberedEvent[] }>(`/registry/events${query({ ...filter })}`)).events,
    followEvents: (after, signal) =>
      stream(endpoint, { method: "GET", path: `/registry/events/follow${query({ after })}`, signal }),
    webhooks: async () => (await get<{ webhooks: WebhookState[] }>("/registry/webhooks")).webhooks,
    upstreams: async () => (await get<{ upstreams: UpstreamStatus[] }>("/registry/upstreams")).upstreams,
    retryWebhooks: () => post("/registry/webhooks/retry", {}),
    collect: (request) => post("/registry/gc", request),
    scrub: (request) => post("/registry/scrub", request),
    advisories: () => get("/advisories"),
    updateAdvisories: (request) => post("/advisories/update", request),
    importAdvisories: (request) => post("/advisories/import", request),
    servers: async () => (await get<RunningServers>("/servers")).servers,
    commandServer: (name, command) => post(`/servers/${encodeURIComponent(name)}/command`, command),
    serverLog: (name) => get(`/servers/${encodeURIComponent(name)}/log`),
    learnServer: (name, request) => post(`/servers/${encodeURIComponent(name)}/learn`, request),
    addServer: (request) => post("/servers", request),
    profiles: async () => (await get<ProfileList>("/gateway/profiles")).profiles,
    setProfile: (request) => post("/gateway/profiles", request),
    removeProfile: (name) => post(`/gateway/profiles/${encodeURIComponent(name)}/remove`, {}),
    tools: async (profile) => (await get<ToolList>(`/gateway/tools${query({ profile })}`)).tools,
    callTool: (request, signal) =>
      call<ToolCallAnswer>(endpoint, { method: "POST", path: "/gateway/call", body: request, signal }),
    removeServer: (name) => post(`/servers/${encodeURIComponent(name)}/remove`, {}),
    approvals: async () => (await get<PendingApprovals>("/approvals")).approvals,
    followApprovals: (signal) => stream(endpoint, { method: "GET", path: "/approvals/follow", signal }),
    answerApproval: (id, answer) => post(`/approvals/${encodeURIComponent(id)}`, answer),
    verifyAudit: () => post("/audit/verify", {}),
    checkPolicy: (request) => post("/policy/check", request),
    testPolicy: (request) => post("/policy/test", request),
    policyPacks: () => get("/policy/packs"),
    addPolicyPack: (pack) => post("/policy/packs/add", { pack }),
    removePolicyPack: (pack) => post("/policy/packs/remove", { pack }),
    verifyProvenance: (request) => post("/artifacts/verify-provenance", request),
    admission: () => get("/admission"),
    simulatePolicy: (request) => post("/policy/simulate", request),
  };
}
