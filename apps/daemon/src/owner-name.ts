// Under which name the owner is known.
import { userInfo } from "node:os";

export function ownerName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return "owner";
  }
}
