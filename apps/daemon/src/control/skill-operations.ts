// The control API's operations on skills.
import {
  InstalledSkills,
  SkillCheckResult,
  SkillConvertRequest,
  SkillImportRequest,
  SkillImportResult,
  SkillInstallRequest,
  SkillRemoveRequest,
  SkillSyncRequest,
  SkillTarget,
  SkillVariantsRequest,
} from "@pratique/contracts";
import type { SkillPlaces } from "../artifacts/skill-places.ts";
import type { Skills } from "../artifacts/skills.ts";
import { post, type Operation } from "./operation.ts";

export function skillOperations(skills: Skills, places: SkillPlaces): Operation[] {
  return [
    post(
      "/skills/check",
      "Say what is wrong with a skill",
      SkillImportRequest,
      SkillCheckResult,
      ({ principal, body }) => skills.check(principal, body.source),
    ),
    post(
      "/skills/import",
      "Pack a skill from where it is",
      SkillImportRequest,
      SkillImportResult,
      ({ principal, body }) => skills.import(principal, body),
    ),
    post(
      "/skills/convert",
      "Write a skill in another format",
      SkillConvertRequest,
      SkillTarget,
      ({ principal, body }) => skills.convert(principal, body),
    ),
    post(
      "/skills/variants",
      "Make one skill of its variants",
      SkillVariantsRequest,
      SkillTarget,
      ({ principal, body }) => skills.variants(principal, body),
    ),
    post(
      "/skills/install",
      "Put skills where agents read them",
      SkillInstallRequest,
      InstalledSkills,
      ({ principal, body }) => places.install(principal, body),
    ),
    post("/skills/sync", "Install what the lock file pins", SkillSyncRequest, InstalledSkills, ({ principal, body }) =>
      places.sync(principal, body.project),
    ),
    post("/skills/remove", "Take an installed skill away", SkillRemoveRequest, InstalledSkills, ({ principal, body }) =>
      places.remove(principal, body.project, body.name),
    ),
  ];
}
