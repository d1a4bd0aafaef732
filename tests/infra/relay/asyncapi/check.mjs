// Reads an AsyncAPI document on standard input; prints what the official parser says of it.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf-8"));
console.log(
  JSON.stringify({
    valid: document !== undefined,
    version: document?.version(),
    messages: document?.allMessages().length,
    diagnostics: diagnostics.map(({ severity, code, message, path }) => ({
      severity,
      code,
      message,
      path: path.join("/"),
    })),
  }),
);
