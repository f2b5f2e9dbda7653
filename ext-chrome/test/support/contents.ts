/** Names under which clients elsewhere send what people wrote; the extension knows none of them. */
export const FIELD_NAMES = [
  "prompt",
  "messages",
  "input",
  "output",
  "content",
  "response",
  "completion",
  "text",
  "system",
] as const;
