// A software package, or an AI component, that was found in an artifact. Thousands at once: a type, checked by who reads it from outside.

export interface PackageComponent {
  /** The purl type: `deb`, `apk`, `rpm`, `npm`, `pypi`, `golang`, `cargo`, `maven`, `huggingface`, `oci`, `generic`, … */
  readonly type: string;
  /** The purl namespace, decoded: `debian`, `@scope`, `org.apache`, … */
  readonly namespace?: string | undefined;
  /** As the ecosystem writes it, without the namespace. */
  readonly name: string;
  /** As the ecosystem writes it, epoch and release included: `1:2.3-4+deb12u1`. */
  readonly version: string;
  /** Canonical purl with version and qualifiers (`arch`, `distro`, `epoch`, …). */
  readonly purl: string;
  /** The source package, where the distribution's advisories name that. */
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  /** From `os-release`: `{ id: "debian", version: "12" }`; distribution packages only. */
  readonly distribution?: { readonly id: string; readonly version: string } | undefined;
  /** SPDX expressions, or what was declared where it is none. */
  readonly licences: readonly string[];
  readonly supplier?: string | undefined;
  /** Lower-case hex by SPDX algorithm name (`SHA256`, …). */
  readonly hashes?: Readonly<Record<string, string>> | undefined;
  /** Paths in the artifact, no leading slash, where it was found; sorted. */
  readonly locations: readonly string[];
  /** Digest of the layer that brought it. */
  readonly layer?: string | undefined;
  readonly scope?: "runtime" | "development" | undefined;
  /** purls in the same artifact. */
  readonly dependsOn?: readonly string[] | undefined;
  /** CVEs that the distribution's changelog says are fixed in this very version. */
  readonly fixedVulnerabilities?: readonly string[] | undefined;
}
