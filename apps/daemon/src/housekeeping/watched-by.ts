// The audit log, of whose records housekeeping makes events.
import type { AuditLog } from "@pratique/audit";
import type { Housekeeping } from "@pratique/registry";

type Appender = Pick<AuditLog, "append" | "appendLike">;

export function watchedBy(house: Housekeeping, audit: Appender): Appender {
  return {
    append: async (body) => {
      const record = await audit.append(body);
      house.recorded(record);
      return record;
    },
    appendLike: async (template, durationMs) => {
      const record = await audit.appendLike(template, durationMs);
      house.recorded(record);
      return record;
    },
  };
}
