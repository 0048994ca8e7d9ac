// Licence texts as CycloneDX wants them: an SPDX id, an SPDX expression, or a name.
import { LicenseExpression, NamedLicense, SpdxLicense, type License } from "@cyclonedx/cyclonedx-library/Models";
import { fixupSpdxId, isSupportedSpdxId } from "@cyclonedx/cyclonedx-library/SPDX";

/** The licences of one component. CycloneDX 1.6 takes either a list, or exactly one expression. */
export function licencesOf(texts: readonly string[]): License[] {
  const trimmed = [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ""))];
  const [only] = trimmed;
  if (only !== undefined && trimmed.length === 1 && isExpression(only)) return [new LicenseExpression(only)];
  return trimmed.map((text) => {
    const id = fixupSpdxId(text);
    // Asked again, since the look-up also finds what every object inherits: `constructor`.
    return isSupportedSpdxId(id) ? new SpdxLicense(id) : new NamedLicense(text);
  });
}

/** True for a compound SPDX expression of known licences (SPDX 2.3 annex D); the exception after `WITH` may be any. */
function isExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length < 3 || tokens.length > 200) return false;
  let depth = 0;
  let expects: "operand" | "operator" | "exception" = "operand";
  for (const token of tokens) {
    if (token === "(") {
      if (expects !== "operand") return false;
      depth += 1;
    } else if (token === ")") {
      if (expects !== "operator" || depth === 0) return false;
      depth -= 1;
    } else if (expects === "operator") {
      if (token === "WITH") expects = "exception";
      else if (token === "AND" || token === "OR") expects = "operand";
      else return false;
    } else {
      if (expects === "operand" && !isOperand(token)) return false;
      if (expects === "exception" && !/^[A-Za-z0-9.-]+$/.test(token)) return false;
      expects = "operator";
    }
  }
  return depth === 0 && expects === "operator";
}

function isOperand(token: string): boolean {
  const id = token.endsWith("+") ? token.slice(0, -1) : token;
  return isSupportedSpdxId(id) || isSupportedSpdxId(token) || /^LicenseRef-[A-Za-z0-9.-]+$/.test(token);
}
