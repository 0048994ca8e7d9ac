// The registries that are pulled through without being configured.
import type { UpstreamOptions } from "@pratique/registry";

type Known = Pick<UpstreamOptions, "name" | "imageTypes"> & { readonly url: string };

const plain = (name: string): Known => ({ name, url: `https://${name}`, imageTypes: [] });

/** By the host that references name. */
export const DEFAULT_UPSTREAMS: readonly Known[] = [
  {
    // Docker Hub's registry does not answer at the name that references give it.
    name: "docker.io",
    url: "https://registry-1.docker.io",
    imageTypes: [{ repository: "library/*", type: "official" }],
  },
  { ...plain("dhi.io"), imageTypes: [{ repository: "**", type: "hardened" }] },
  plain("ghcr.io"),
  plain("quay.io"),
  plain("gcr.io"),
  plain("registry.k8s.io"),
  plain("mcr.microsoft.com"),
  plain("public.ecr.aws"),
  plain("registry.gitlab.com"),
  plain("nvcr.io"),
  plain("registry.access.redhat.com"),
  plain("docker.elastic.co"),
];
