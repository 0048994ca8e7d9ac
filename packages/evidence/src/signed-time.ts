// When a statement was made, by its own signed words: the annotation on its manifest is anybody's to write.
import type { JsonObject } from "@pratique/core";
import { SPDX_PREDICATE_TYPE } from "@pratique/sbom";
import { z } from "zod";
import {
  CYCLONEDX_PREDICATE,
  PROVENANCE_PREDICATE,
  PROVENANCE_V02_PREDICATE,
  VSA_PREDICATE,
  WAIVER_PREDICATE,
} from "./predicates.ts";

const Text = z.string().optional().catch(undefined);
const Bom = z.looseObject({ metadata: z.looseObject({ timestamp: Text }) });
const Spdx = z.looseObject({ creationInfo: z.looseObject({ created: Text }) });
const Provenance = z.looseObject({
  runDetails: z.looseObject({ metadata: z.looseObject({ startedOn: Text, finishedOn: Text }) }),
});
const ProvenanceV02 = z.looseObject({
  metadata: z.looseObject({ buildStartedOn: Text, buildFinishedOn: Text }),
});
const Waivers = z.looseObject({ time: Text });
const Vsa = z.looseObject({ timeVerified: Text });

/** RFC 3339 in UTC with milliseconds, so that texts compare as times; undefined when there is none. */
export function signedTimeOf(predicateType: string, predicate: JsonObject): string | undefined {
  const text = timeText(predicateType, predicate);
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

function timeText(predicateType: string, predicate: JsonObject): string | undefined {
  switch (predicateType) {
    case CYCLONEDX_PREDICATE:
      return Bom.safeParse(predicate).data?.metadata.timestamp;
    case SPDX_PREDICATE_TYPE:
      return Spdx.safeParse(predicate).data?.creationInfo.created;
    case PROVENANCE_PREDICATE: {
      const metadata = Provenance.safeParse(predicate).data?.runDetails.metadata;
      return metadata?.finishedOn ?? metadata?.startedOn;
    }
    case PROVENANCE_V02_PREDICATE: {
      const metadata = ProvenanceV02.safeParse(predicate).data?.metadata;
      return metadata?.buildFinishedOn ?? metadata?.buildStartedOn;
    }
    case VSA_PREDICATE:
      return Vsa.safeParse(predicate).data?.timeVerified;
    case WAIVER_PREDICATE:
      return Waivers.safeParse(predicate).data?.time;
    default:
      return undefined;
  }
}
